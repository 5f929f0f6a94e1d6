"""What the cache would have made of a statement: its calls replayed against the writes seen.

Of each parameter set the first call is a miss, and fills. What follows is a hit until a write to
the tables or the TTL ends it; the next call then is a miss. With second sight a miss fills only
where the process that has it has missed that set before; which process a call comes to is chance.

What the account kept is a fair sample of the parameter sets (below a bound on their hashes), so its
misses are scaled up by that bound. All calls are counted, so a popular set that is not in the
sample distorts nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import NamedTuple

from ..instruments.account import sketch
from ..instruments.account.line import Line
from ..instruments.account.runs import SECOND, Run


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of all calls of a statement: misses by their cause."""

    calls: int
    first: float  # nothing was stored yet
    written: float  # a table was written since the fill
    expired: float

    @property
    def misses(self) -> float:
        return self.first + self.written + self.expired

    @property
    def ratio(self) -> float:
        return max(0.0, 1 - self.misses / self.calls) if self.calls else 0.0


def predict(line: Line, writes: Sequence[int] | None, ttl: float, processes: int = 0) -> Prediction:
    """`writes` are the times of writes, in order; None: the log says what was written. `ttl` is
    seconds. `processes` are those of which one must see a set twice; 0: it is stored at once.
    """
    scale = sketch.ALL / line.below
    first = written = expired = 0
    for key, mine in line.log.items():
        own = [run.first - 1 for run in mine if run.fresh] if writes is None else writes
        chance = Random(key)  # noqa: S311
        stores = partial(_is_second, chance, processes, set[int]()) if processes else None
        found = replay(mine, own, ttl * SECOND, stores)
        first += found.first
        written += found.written + (sum(run.broken for run in mine) if own else 0)
        expired += found.expired
    return Prediction(line.calls, first * scale, written * scale, expired * scale)


def _is_second(chance: Random, processes: int, seen: set[int]) -> bool:
    """Whether the process that a call comes to has seen its parameters before."""
    process = chance.randrange(processes)
    known = process in seen
    seen.add(process)
    return known


class Misses(NamedTuple):
    """Of one parameter set: where nothing was stored yet, after a write, and for its age."""

    first: int
    written: int
    expired: int


def replay(
    mine: Sequence[Run],
    writes: Sequence[int],
    ttl: float,
    stores: Callable[[], bool] | None = None,
) -> Misses:
    """`stores` says of each miss in its turn whether it fills; without it each one does."""
    first, written, expired = 1, 0, 0
    place, at = 0, float(mine[0].first)
    while True:
        stale, ends = float("inf"), at + 1
        if is_stored := stores is None or stores():
            next_write = bisect_right(writes, at)
            stale = writes[next_write] if next_write < len(writes) else stale
            ends = min(stale, at + ttl)
        found = next_call(mine, ends, place)
        if found is None:
            return Misses(first, written, expired)
        place, at = found
        if not is_stored:
            first += 1
        elif stale <= at:
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
