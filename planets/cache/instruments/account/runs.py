"""When each parameter set was asked for: the log that predictions are replayed from, cut short.

Calls that follow each other closely, with no write to their tables in between, are one Run:
whatever the cache would have done with the first of them, the others would have been hits.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from msgspec import Struct

SECOND = 1_000_000  # times are microseconds
GAP = SECOND // 10  # calls that are further apart are two runs
LONG_GAP = 5 * SECOND  # the same where room is short; TTLs are longer
MOST = 1_000  # of one statement, in one ledger


class Run(Struct, array_like=True, order=True):
    """So many calls at even intervals, from the first to the last, in Unix time."""

    first: int
    last: int
    calls: int = 1
    broken: int = 0  # how often a write came in between: where there was no room for more runs
    fresh: bool = False  # a write came before it, after the run before


Runs = dict[int, list[Run]]  # by the hash of the parameters


def add(mine: list[Run], at: int, written: int) -> None:
    """A call at `at`, where the last write to its tables was at `written`."""
    last = mine[-1]
    before = last.last
    if written >= before:
        mine.append(Run(at, at, 1, 0, True))
    elif at - before > GAP:
        mine.append(Run(at, at))
    else:
        last.last = at
        last.calls += 1


def merge(runs: Runs, other: Runs) -> None:
    for key, more in other.items():
        runs[key] = sorted([*runs.get(key, ()), *more])


def thin(runs: Runs, below: int, most: int = MOST) -> int:
    """Make room, where there are more than that: returns below which hash all are still there."""
    for key in [key for key in runs if key >= below]:
        del runs[key]
    if _count(runs) > most:
        for key, mine in runs.items():
            runs[key] = joined(mine)
    while _count(runs) > most:
        if len(runs) > 1:
            below = max(round(median(runs)), min(runs) + 1)
            for key in [key for key in runs if key >= below]:
                del runs[key]
        else:
            for key, mine in runs.items():
                runs[key] = coarser(mine)
    return below


def _count(runs: Runs) -> int:
    return sum(map(len, runs.values()))


def joined(mine: list[Run]) -> list[Run]:
    """The same with longer gaps in its runs; what a write parts stays apart."""
    made = mine[:1]
    for run in mine[1:]:
        if run.fresh or run.first - made[-1].last > LONG_GAP:
            made.append(run)
        else:
            made[-1] = _both(made[-1], run)
    return made


def coarser(mine: list[Run]) -> list[Run]:
    """Half as many runs, with the writes that came between them counted."""
    pairs = list(pairwise(mine))[::2]
    return [_both(a, b) for a, b in pairs] + mine[2 * len(pairs) :]


def _both(a: Run, b: Run) -> Run:
    calls, broken = a.calls + b.calls, a.broken + b.broken + b.fresh
    return Run(a.first, max(a.last, b.last), calls, broken, a.fresh)
