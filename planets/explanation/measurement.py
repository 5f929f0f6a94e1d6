"""What the cache saves a page, or costs it, measured while its visitor waits."""

from __future__ import annotations

from ..cache import disabled
from ..cache.instruments.rehearsal import Rehearsal, Times, compare
from ..cache.invalidation import drop
from ..cache.storage.errors import Unavailable

ROUNDS = 7  # of each way: a few, so that a visitor can wait for it

HIT = "whole, from Redis"
ANEW = "made anew, with the cache"
WITHOUT = "made without the cache"


def measured(rehearsal: Rehearsal, key: str) -> list[tuple[str, Times]]:
    """Each way of getting the page, timed now; of a page that is not kept only how it is made."""

    def anew() -> float:
        drop(key)
        return rehearsal.time()

    def without() -> float:
        return rehearsal.time(disabled)

    try:
        if key:
            # In this order: what was made anew is what is served whole next.
            anew_, hit, none = compare([anew, rehearsal.time, without], ROUNDS)
            return [(HIT, hit), (ANEW, anew_), (WITHOUT, none)]
    except Unavailable:
        pass  # Redis went while we measured
    now, none = compare([rehearsal.time, without], ROUNDS)
    return [("as it comes now", now), (WITHOUT, none)]


def verdict(times: dict[str, Times]) -> str:
    """What the cache saves here, or costs."""
    none = times[WITHOUT].median
    if HIT not in times:
        return "This page is not kept, so the cache saves what the hits of its queries save."
    hit, anew = times[HIT].median, times[ANEW].median
    first = (
        f"A hit is {none / hit:.1f} times quicker than making the page."
        if hit < none
        else f"Here the cache loses: a hit takes {hit - none:.1f} ms more than making the page."
    )
    cost = anew - none
    second = (
        f"Making it anew with the cache costs {cost:.1f} ms more than without: that is what looks, "
        "claims and fills take."
        if cost > 0
        else f"Even made anew it takes {-cost:.1f} ms less, as what it is made of was there."
    )
    return f"{first} {second}"
