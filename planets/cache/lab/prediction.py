"""What the cache would have made of a statement: its calls replayed against the writes seen.

Of each parameter set the first call is a miss, and fills. What follows is a hit until a write to
the tables or the TTL ends it; the next call then is a miss. What the account kept is a fair sample
of the parameter sets (below a bound on their hashes), so its misses are scaled up by that bound.
All calls are counted, so a popular set that is not in the sample distorts nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..instruments.account import sketch
from ..instruments.account.line import Line
from ..instruments.account.runs import SECOND, Run


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of all calls of a statement: misses by their cause."""

    calls: int
    first: float  # not seen before
    written: float  # a table was written since the fill
    expired: float

    @property
    def misses(self) -> float:
        return self.first + self.written + self.expired

    @property
    def ratio(self) -> float:
        return max(0.0, 1 - self.misses / self.calls) if self.calls else 0.0


def predict(line: Line, writes: Sequence[int], ttl: float) -> Prediction:
    """`writes` are the times of writes, in order; `ttl` is seconds."""
    scale = sketch.ALL / line.below
    first = written = expired = 0.0
    for mine in line.log.values():
        first += 1
        by_write, by_age = replay(mine, writes, ttl * SECOND)
        written += by_write
        expired += by_age
    return Prediction(line.calls, first * scale, written * scale, expired * scale)


def replay(mine: Sequence[Run], writes: Sequence[int], ttl: float) -> tuple[int, int]:
    """Misses after the first, of one parameter set: for a write, and for its age."""
    written = sum(run.broken for run in mine) if writes else 0
    expired = 0
    place, filled = 0, float(mine[0].first)
    while True:
        next_write = bisect_right(writes, filled)
        stale = writes[next_write] if next_write < len(writes) else float("inf")
        found = next_call(mine, min(stale, filled + ttl), place)
        if found is None:
            return written, expired
        place, filled = found
        if stale <= filled:
            written += 1
        else:
            expired += 1


def next_call(mine: Sequence[Run], after: float, place: int) -> tuple[int, float] | None:
    """The first call at `after` or later: the place of its run to go on from, and its time."""
    best: float | None = None
    start = None
    for number in range(place, len(mine)):
        run = mine[number]
        if run.last < after:
            continue
        start = number if start is None else start
        if best is not None and run.first >= best:
            break
        if run.first >= after:
            at = float(run.first)
        else:
            step = (run.last - run.first) / max(run.calls - 1, 1)
            at = run.first + step * -(-(after - run.first) // step)
        best = at if best is None else min(best, at)
    if best is None or start is None:
        return None
    return start, best
