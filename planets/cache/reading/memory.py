"""What this process remembers of a key that it missed: what it filled, and what it wrote since."""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from ..recent import Recent
from ..storage import keys
from ..writing import last_writes
from .causes import Cause

MAX_KEYS = 8192
LONGEST_SQL = 120  # characters


class Fill(NamedTuple):
    at: float  # Unix time
    expires: float
    sql: str  # of what was computed, its path or name
    tables: tuple[str, ...]


_fills: Recent[str, Fill] = Recent(MAX_KEYS)


def filled(key: str, expires: float, sql: str, tables: tuple[str, ...]) -> None:
    """A fill of ours has landed."""
    # Thousands of keys are of a few statements.
    text = sys.intern(last_writes.beginning_of(sql)) if type(sql) is str else sql
    _fills.put(key, Fill(time.time(), expires, text, tables))


def ended(key: str) -> None:
    """What lies under a key was made to expire now."""
    if fill := _fills.get(key):
        _fills.put(key, fill._replace(expires=time.time()))


def fill_of(key: str) -> Fill | None:
    """What this process filled a key with last."""
    return _fills.get(key)


def of_change(cause: Cause) -> str:
    """Which statement of this process made an entry stale; "" where it was not this process."""
    write = last_writes.last(cause.ground, cause.filled)
    return _told(write) if write else ""


def of_absence(key: str) -> str:
    """What became of what lay under a key, as far as this process can know."""
    fill = _fills.get(key)
    if fill is None:
        return "this process has not filled it before"
    now = time.time()
    if write := last_writes.last(key, fill.at):
        return f"written {_told(write)}"
    if fill.expires <= now:
        return f"expired {_ago(now - fill.expires)}"
    gone = "evicted, flushed or deleted"
    if keys.is_record(key):
        gone = f"written by another process, {gone}"
    return f"{gone}: this process filled it {_ago(now - fill.at)}"


def _told(write: last_writes.Write) -> str:
    sql = write.sql if len(write.sql) <= LONGEST_SQL else f"{write.sql[:LONGEST_SQL]}…"
    return f"{_ago(time.time() - write.at)} by {sql or 'invalidate()'}"


def _ago(seconds: float) -> str:
    return f"{seconds:.1f} s ago" if seconds < 10 else f"{seconds:.0f} s ago"
