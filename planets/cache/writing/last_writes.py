"""What this process has written lately: when, and by which statement."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from ..recent import Recent

MAX_KEYS = 4096  # gates and records


class Write(NamedTuple):
    at: float  # Unix time
    sql: str  # "" where it was invalidated by hand


_last: Recent[str, Write] = Recent(MAX_KEYS)


def note(names: Iterable[str], sql: str) -> None:
    """What stands behind these gates, and these records, have gone stale just now."""
    write = Write(time.time(), sql)
    for name in names:
        _last.put(name, write)


def last(name: str, since: float = 0.0) -> Write | None:
    """The last write that reached this gate or record, where it was after `since`."""
    write = _last.get(name)
    return write if write and write.at >= since else None
