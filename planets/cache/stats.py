"""Counts of what the layer did in this process, for the commands, the pages and the metrics."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable

_lock = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()
_listeners: list[Callable[[str, float], None]] = []


def count(kind: str, outcome: str, by: int = 1) -> None:
    """Add to a count. `kind` and `outcome` are words of the code, never data: they stay few."""
    with _lock:
        _counts[kind, outcome] += by


def counts() -> dict[tuple[str, str], int]:
    """A copy of all counts, by kind and outcome."""
    with _lock:
        return dict(_counts)


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
