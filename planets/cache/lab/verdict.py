"""Whether the cache pays for a read, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .measurement import Result

# Less than this, up or down, is within what a busy machine does to a median.
NOISE = 1.1


@dataclass(frozen=True)
class Verdict:
    read: str
    pays: bool
    text: str


def verdicts(results: Sequence[Result]) -> list[Verdict]:
    """One for each read, in their order."""
    names = list(dict.fromkeys(result.read for result in results))
    by_read = {
        name: {result.state: result for result in results if result.read == name} for name in names
    }
    return [_verdict(name, by_read[name]) for name in names]


def _verdict(read: str, states: dict[str, Result]) -> Verdict:
    plain, empty, full = states["no cache"], states["empty"], states["full"]
    if full.outcomes and not full.outcomes.get("hit"):
        return Verdict(
            read,
            False,
            f"It is never kept ({full.reason}), so each call asks the "
            f"database ({plain.median:.2f} ms) as without a cache, and Redis for nothing.",
        )
    gain = plain.median / full.median
    if gain < NOISE:
        how = "costs as much as" if gain > 1 / NOISE else "costs more than"
        return Verdict(
            read,
            False,
            f"A hit ({full.median:.2f} ms) {how} the database itself "
            f"({plain.median:.2f} ms). The cache saves the database work, but no time.",
        )
    text = (
        f"A hit takes {full.median:.2f} ms instead of {plain.median:.2f} ms: "
        f"{gain:.1f} times as fast."
    )
    if empty.median > plain.median:
        even = (empty.median - plain.median) / (empty.median - full.median)
        text += (
            f" A miss takes {empty.median:.2f} ms, so it pays where more than "
            f"{even:.0%} of the reads are hits."
        )
    return Verdict(read, True, text)


def by_state(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each state, in the order of the reads."""
    return {
        state: [result for result in results if result.state == state]
        for state in dict.fromkeys(result.state for result in results)
    }
