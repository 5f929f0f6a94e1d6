"""The processes that a run of the whole suite starts: however it ends, they end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

# Seconds. pytest leaves its fixtures, which end servers and programs, and a test may take a while
# to notice; what is killed after that leaves its servers to their watchdogs.
PATIENCE = 20.0


class Ended(Exception):
    """It was not let run to its end, for all of the suite is to end."""


class Children:
    """Each is the head of a process group, so that all that it started can be told to end.

    Ctrl-C in a terminal is for the group that we are of, and a signal that somebody sends is for
    one process: neither reaches the children by itself.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ending = False

    def run(self, command: Sequence[Any], **options: Any) -> subprocess.CompletedProcess[str]:
        """As subprocess.run does it. Raises Ended."""
        with self._lock:
            if self._ending:
                raise Ended
            process = subprocess.Popen(command, process_group=0, text=True, **options)
            self._running.add(process)
        try:
            output, errors = process.communicate()
        finally:
            with self._lock:
                self._running.discard(process)
        if self._ending:
            raise Ended
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def end(self) -> None:
        """As by Ctrl-C, and where that is in vain by force; nothing is begun any more."""
        with self._lock:
            self._ending = True
            running = list(self._running)
        try:
            for process in running:
                _signal(process, signal.SIGINT)
            give_up = time.monotonic() + self._patience
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, give_up - time.monotonic()))
        finally:  # whoever is impatient presses Ctrl-C again
            for process in running:
                _signal(process, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()


def _signal(head: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(head.pid, number)


def end_by_signals() -> None:
    """From here on a signal to end is an exception in the main thread, which ends the children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # by nohup
        signal.signal(number, _leave)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


children = Children()
