"""Counts of what the layer did in this process, for the commands, the pages and the metrics."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable

_lock = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()
_grown: set[tuple[str, str]] = set()  # those of them that grew since grown() was asked
# The same of fetches and writes, by the tables that they read or wrote together.
_of_tables: Counter[tuple[tuple[str, ...], str]] = Counter()
MOST_TABLES = 4096  # of those: SQL can name any tables together
_listeners: list[Callable[[str, float], None]] = []


def count(kind: str, outcome: str, by: int = 1, tables: tuple[str, ...] = ()) -> None:
    """Add to a count. `kind` and `outcome` are words of the code, never data: they stay few.

    With `tables`, to those of these tables as well.
    """
    with _lock:
        name = kind, outcome
        _counts[name] += by
        _grown.add(name)
        if tables:
            _add_to_tables(tables, outcome, by)


def count_writes(outcome: str, tables: Iterable[str]) -> None:
    """Add one to what became of each of these tables: "written", "invalidated"."""
    with _lock:
        for table in tables:
            _add_to_tables((table,), outcome, 1)


def _add_to_tables(tables: tuple[str, ...], outcome: str, by: int) -> None:
    if len(_of_tables) < MOST_TABLES or (tables, outcome) in _of_tables:
        _of_tables[tables, outcome] += by


def counts() -> dict[tuple[str, str], int]:
    """A copy of all counts, by kind and outcome."""
    with _lock:
        return dict(_counts)


def grown() -> dict[tuple[str, str], int]:
    """Those counts that have grown since this was last asked."""
    with _lock:
        found = {name: _counts[name] for name in _grown}
        _grown.clear()
    return found


def of_tables() -> Counter[tuple[str, str]]:
    """All counts by table and outcome: a fetch that reads two tables counts for both."""
    with _lock:
        found = list(_of_tables.items())
    counted: Counter[tuple[str, str]] = Counter()
    for (tables, outcome), number in found:
        for table in tables:
            counted[table, outcome] += number
    return counted


def spent(what: str, seconds: float) -> None:
    """Tell who listens how long a "load" or a "fill" took."""
    for listener in _listeners:
        listener(what, seconds)


def listen(listener: Callable[[str, float], None]) -> None:
    """Have `listener(what, seconds)` called after each load and fill, in the thread that did it."""
    _listeners.append(listener)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent's may be held, by a thread that is not here


os.register_at_fork(after_in_child=_after_fork)
