"""Counts of what the layer did in this process, for the commands, the pages and the metrics."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

_lock = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()
_seconds: defaultdict[str, float] = defaultdict(float)


def count(kind: str, outcome: str, by: int = 1) -> None:
    """Add to a count. `kind` and `outcome` are words of the code, never data: they stay few."""
    with _lock:
        _counts[kind, outcome] += by


def counts() -> dict[tuple[str, str], int]:
    """A copy of all counts, by kind and outcome."""
    with _lock:
        return dict(_counts)


def spent(what: str, seconds: float) -> None:
    """Add to the time that "load" or "fill" took in all."""
    with _lock:
        _seconds[what] += seconds


def seconds() -> dict[str, float]:
    """A copy of all times, in seconds."""
    with _lock:
        return dict(_seconds)
