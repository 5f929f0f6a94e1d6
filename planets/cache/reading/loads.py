"""How long the database usually takes for a statement, so that nobody boasts with a cold load."""

from __future__ import annotations

import sys
from collections import deque
from statistics import median

from ..recent import Recent

MAX_BYTES = 2_000_000  # of statements, each with its times
PLACE = 1_000  # bytes of one, beside its text
LATEST = 9  # loads of a statement that its usual time is the median of

_latest: Recent[str, deque[float]] = Recent(MAX_BYTES)


def note(sql: str, ms: float) -> None:
    """A load has taken so long. A process's first one pays for what is cold, and says little."""
    latest = _latest.get(sql)
    if latest is None:
        _latest.put(sql, deque(maxlen=LATEST), PLACE + sys.getsizeof(sql))
    else:
        latest.append(ms)


def usual(sql: str) -> float | None:
    """The median of the latest loads, in milliseconds; None before there was a warm one."""
    latest = _latest.get(sql)
    return median(tuple(latest)) if latest else None
