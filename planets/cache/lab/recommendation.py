"""What to configure, in plain words, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sweep import Cell

# Hit ratios closer than this (or than the repeats of one setup are) count as equal.
EQUAL = 0.005
JITTER = 1.1  # an entry may live so many times its TTL


@dataclass(frozen=True)
class Recommendation:
    best: Cell
    sentence: str
    more: str  # what more memory would add
    sure: str
    lines: str  # of redis.conf
    parameters: str  # the same as an ElastiCache parameter group has it


def megabytes(bytes_: float) -> str:
    return f"{bytes_ / 1e6:.4g} MB"


def recommend(cells: Sequence[Cell]) -> Recommendation:
    """The least memory, then the shortest TTL, whose hit ratio equals the highest."""
    noise = max(EQUAL, *(cell.spread for cell in cells))
    top = max(cell.hit_ratio for cell in cells)
    equal = [cell for cell in cells if top - cell.hit_ratio <= noise]
    best = min(equal, key=lambda cell: (cell.setup.maxmemory, cell.setup.ttl, -cell.hit_ratio))
    setup = best.setup
    alike = [
        cell.setup.policy
        for cell in equal
        if (cell.setup.maxmemory, cell.setup.ttl) == (setup.maxmemory, setup.ttl)
        and cell.setup.policy != setup.policy
    ]
    sentence = (
        f"{setup.policy}, {megabytes(setup.maxmemory)}, ttl {setup.ttl:g} s: "
        f"{best.hit_ratio:.1%} hits, {best.mean('loads'):.2f} database loads a second."
    )
    repeats = len(best.outcomes)
    sure = (
        f"{repeats} runs of each setup; hit ratios of the same setup differed by up to "
        f"{100 * max(cell.spread for cell in cells):.2f} points, so differences up to "
        f"{100 * noise:.2f} points count as none."
    )
    if repeats == 1:
        sure = (
            f"One run of each setup, so how far chance moves them is not known; differences up to "
            f"{100 * noise:.2f} points count as none. Use --repeats 3 before you decide."
        )
    if alike:
        sure += f" As good, within that: {', '.join(alike)}."
    return Recommendation(
        best=best,
        sentence=sentence,
        more=_more(cells, best),
        sure=sure,
        lines=f"maxmemory {setup.maxmemory}\nmaxmemory-policy {setup.policy}",
        parameters=f"maxmemory-policy = {setup.policy}\n"
        f"# maxmemory comes with the node: take {megabytes(setup.maxmemory)} or more\n"
        f"CACHE_TTL={setup.ttl:.0f}  # in the site's environment",
    )


def _more(cells: Sequence[Cell], best: Cell) -> str:
    larger = [
        cell
        for cell in cells
        if cell.setup.maxmemory > best.setup.maxmemory
        and (cell.setup.policy, cell.setup.ttl) == (best.setup.policy, best.setup.ttl)
    ]
    if not larger:
        return "It is the most memory that was tried."
    most = max(larger, key=lambda cell: cell.setup.maxmemory)
    times = most.setup.maxmemory / best.setup.maxmemory
    gain = 100 * (most.hit_ratio - best.hit_ratio)
    return f"{times:.1f} times the memory changes that by {gain:+.1f} points."
