"""Log lines that anybody can cause: few of them, and short ones."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

EVERY = 60.0  # seconds
LONGEST = 300  # characters; a header can be thousands


class Sparingly(logging.Filter):
    """Of each of some loggers and their children: the first line, then one a minute at most, with
    how many were left out. Each is one line without a traceback, for who caused it is outside.
    """

    def __init__(self, names: Sequence[str], every: float = EVERY) -> None:
        super().__init__()
        self._names = tuple(f"{name}." for name in names)
        self._every = every
        self._lock = threading.Lock()
        self._quiet: dict[str, tuple[float, int]] = {}  # until when, and lines left out so far

    def filter(self, record: logging.LogRecord) -> bool:
        if not f"{record.name}.".startswith(self._names):
            return True
        now = time.monotonic()
        with self._lock:
            until, left_out = self._quiet.get(record.name, (now, 0))
            if now < until:
                self._quiet[record.name] = (until, left_out + 1)
                return False
            self._quiet[record.name] = (now + self._every, 0)
        text = record.getMessage()[:LONGEST].encode("unicode_escape").decode()
        record.msg = f"{text} (and {left_out} more since the last such line)" if left_out else text
        record.args = record.exc_info = record.exc_text = record.stack_info = None
        return True
