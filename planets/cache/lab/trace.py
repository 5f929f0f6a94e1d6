"""Records which entries are fetched and which records written, for tune_cache. Off by default."""

from __future__ import annotations

import json
import logging
import os
import time
import zlib

from django.core.exceptions import ImproperlyConfigured

from .. import fetched, invalidated
from ..conf import conf
from ..events import Fetch, Invalidation
from ..storage import keys

logger = logging.getLogger(__name__)


class Trace:
    """A file of JSON lines that stops growing at `most` bytes; processes may share it.

    Of `percent` in a hundred keys, chosen by their names, every event is written: a sample of
    single events would make each key look less popular than it is.
    """

    def __init__(self, path: str, most: int, percent: float) -> None:
        """Raises OSError."""
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.most, self.percent = most, percent

    def connect(self) -> None:
        fetched.connect(self.hear_fetch, weak=False)
        invalidated.connect(self.hear_invalidation, weak=False)

    def end(self) -> None:
        """Hear no more. The file stays open: another thread may be about to write to it."""
        fetched.disconnect(self.hear_fetch)
        invalidated.disconnect(self.hear_invalidation)

    def hear_fetch(self, event: Fetch, **kwargs: object) -> None:
        if event.outcome in ("hit", "miss"):
            self.write(event.key, write=False, size=event.bytes)

    def hear_invalidation(self, event: Invalidation, **kwargs: object) -> None:
        for key in event.keys:
            if keys.is_record(key):
                self.write(key, write=True, size=None)

    def write(self, key: str, *, write: bool, size: int | None) -> None:
        if zlib.crc32(key.encode()) % 100 >= self.percent:
            return
        line = json.dumps({"at": round(time.time(), 3), "key": key, "write": write, "bytes": size})
        try:
            if os.fstat(self.file).st_size + len(line) < self.most:
                os.write(self.file, line.encode() + b"\n")
                return
            logger.info("The trace is full and has ended.")
        except OSError as error:
            logger.warning("The trace has ended: %s", error)
        self.end()


def start() -> None:
    """Record, where the settings want it. Raises ImproperlyConfigured."""
    try:
        found = conf()
    except ImproperlyConfigured:
        return  # the checks tell
    if not found.TRACE:
        return
    try:
        trace = Trace(found.TRACE, found.TRACE_BYTES, found.TRACE_PERCENT)
    except OSError as error:
        raise ImproperlyConfigured(f"CACHE_ASIDE['TRACE'] cannot be written: {error}") from error
    trace.connect()
