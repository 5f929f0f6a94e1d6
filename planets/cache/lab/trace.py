"""Records which entries are fetched and which records written, for tune_cache. Off by default."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
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
        self.file = open_own(path)
        self.most, self.percent = most, percent

    def connect(self) -> None:
        fetched.connect(self.hear_fetch, weak=False)
        invalidated.connect(self.hear_invalidation, weak=False)

    def end(self) -> None:
        """Hear no more. The file stays open: another thread may be about to write to it."""
        fetched.disconnect(self.hear_fetch)
        invalidated.disconnect(self.hear_invalidation)

    def hear_fetch(self, event: Fetch, **kwargs: object) -> None:
        if event.outcome in ("hit", "stale", "miss"):
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


def open_own(path: str) -> int:
    """A descriptor to append to a regular file that is ours alone, made where there is none.

    The file may lie where others can write, as in /var/tmp: what they have put in its place, a link
    to a file of ours or a FIFO that nobody reads, is not opened. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
        return file
    os.close(file)
    raise PermissionError(
        errno.EPERM, "must be a regular file of this user's, without other links to it", path
    )


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
