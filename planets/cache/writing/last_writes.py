"""What this process has written lately: when, and by which statement."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from ..recent import Recent

LAST_BYTES = 2_000_000  # of gates and records, each with the statement that reached it
PLACE = 400  # bytes of one of them, beside the statement
MAX_STALE = 200  # invalidations that wait to be told of
# So many characters tell a statement from others, and so many records of it are ever shown: a
# bulk_create is megabytes, and a process must not keep hundreds of them for a line in a list.
LONGEST_SQL = 1_000
MOST_RECORDS = 5


class Write(NamedTuple):
    at: float  # Unix time
    sql: str  # how it begins; "" where it was invalidated by hand


class Stale(NamedTuple):
    """What one statement has made stale: () for tables is all of the database."""

    at: float  # Unix time
    sql: str
    tables: tuple[str, ...]
    records: tuple[str, ...]  # the first of them
    landed: bool


_last: Recent[str, Write] = Recent(LAST_BYTES)
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
    write = Write(time.time(), beginning_of(sql))
    weight = PLACE + sys.getsizeof(write.sql)
    for name in (*gates, *records):
        _last.put(name, write, weight)
    first = tuple(sorted(records)[:MOST_RECORDS])
    _stale.append(Stale(write.at, write.sql, tuple(sorted(tables)), first, landed))


def beginning_of(sql: str) -> str:
    """As much of a statement as is kept, which is all of most."""
    return sql if len(sql) <= LONGEST_SQL else sql[:LONGEST_SQL] + "…"


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
