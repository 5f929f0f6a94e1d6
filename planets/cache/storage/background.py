"""One thread of this process's own, for as long as there is work for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs `work` in a daemon thread, once at a time."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name, self._work = name, work
        self.renew()

    def renew(self) -> None:
        """After a fork: the parent's lock may be held, and its thread is not here."""
        self._lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def ensure(self) -> None:
        """See to it that the thread runs."""
        if self.thread is not None and self.thread.is_alive():
            return
        with self._lock:
            if self.thread is not None and self.thread.is_alive():
                return
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # this machine has no thread to spare: the next one who asks tries again
            self.thread = thread
