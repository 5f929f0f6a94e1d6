"""What this process has written lately: when, and by which statement."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from ..recent import Recent

MAX_KEYS = 4096  # gates and records
MAX_STALE = 200  # invalidations that wait to be told of


class Write(NamedTuple):
    at: float  # Unix time
    sql: str  # "" where it was invalidated by hand


class Stale(NamedTuple):
    """What one statement has made stale: () for tables is all of the database."""

    at: float  # Unix time
    sql: str
    tables: tuple[str, ...]
    records: tuple[str, ...]
    landed: bool


_last: Recent[str, Write] = Recent(MAX_KEYS)
_stale: deque[Stale] = deque(maxlen=MAX_STALE)


def note(
    gates: Collection[str],
    records: Collection[str],
    tables: Collection[str],
    sql: str,
    *,
    landed: bool = True,
) -> None:
    """What stands behind these gates, and these records, have gone stale just now."""
    write = Write(time.time(), sql)
    for name in (*gates, *records):
        _last.put(name, write)
    _stale.append(Stale(write.at, sql, tuple(sorted(tables)), tuple(sorted(records)), landed))


def last(name: str, since: float = 0.0) -> Write | None:
    """The last write that reached this gate or record, where it was after `since`."""
    write = _last.get(name)
    return write if write and write.at >= since else None


def take() -> list[Stale]:
    """What has gone stale since this was called last, the oldest first."""
    taken = []
    while _stale:
        try:
            taken.append(_stale.popleft())
        except IndexError:  # another thread took it
            break
    return taken
