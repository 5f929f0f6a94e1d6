"""How often a process explains: what explains a page makes it many times over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIZE = 20  # explanations at once, of somebody who presses every button
A_SECOND = 1.0  # from then on
PATIENCE = 2.0  # seconds to wait for the explanation before


class Full(Exception):
    """It is to be asked for later, in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"There are too many explanations: try again in {seconds:.0f} s.")
        self.seconds = seconds


class Limit:
    """A bucket of `size` that fills at a rate; one who took of it is at work at a time."""

    def __init__(
        self, size: int, a_second: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._rate, self._now = size, a_second, now
        self._left, self._at = float(size), now()
        self._counting, self._working = threading.Lock(), threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Within it this one works alone. Raises Full."""
        self._take()
        if not self._working.acquire(timeout=PATIENCE):
            raise Full(PATIENCE)
        try:
            yield
        finally:
            self._working.release()

    def _take(self) -> None:
        with self._counting:
            now = self._now()
            self._left = min(self._size, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                raise Full((1 - self._left) / self._rate)
            self._left -= 1


limit = Limit(SIZE, A_SECOND)
