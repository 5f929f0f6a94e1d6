"""The claim: who may load and fill what a look has missed, and who waits for another's fill.

The round trip that takes the lease of each missing key opens the gates that are missing, and looks
again: for the filler who finished between the look and the claim. Who expects a miss (foresight.py)
takes the leases before he looks, in one round trip.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from .. import stats
from ..conf import conf
from ..storage import gates, leases
from ..storage.client import client
from ..storage.errors import Unavailable
from .dependencies import tracker
from .lookup import Claim, Lookup, Seen
from .sight import FIRST_SIGHT, is_first

T = TypeVar("T")

# The first pause of a caller that waits for another's fill; each next one is twice as long.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

TOO_LONG = "another caller was loading it for too long"
OTHERS = "another caller is loading it, and this one holds leases that others wait for"


def patiently(steps: Generator[float, None, T]) -> T:
    """What the steps return, asleep in each pause."""
    while True:
        try:
            pause = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        time.sleep(pause)


def taking(lookup: Lookup) -> Claim:
    """Take the leases of all that is looked for, and look. One round trip.

    Where gates are still to be opened, or others have the leases, `claiming` goes on under its
    token. Raises Unavailable, Forbidden; no lease is ours then.
    """
    token = gates.token()
    claims = [leases.claim(key, token) for key in lookup.keys]
    looks = lookup.shelf.look(lookup, lookup.keys)
    try:
        replies = client.own(looks, client.call(*claims, *looks))
        seen = lookup.shelf.judge(lookup, lookup.keys, looks, replies[len(claims) :])
    except BaseException:
        release(lookup.keys, token)  # Redis may have given them, and its answer is lost
        raise
    holders = map(leases.holder, replies)
    taken = [key for key, holder in zip(lookup.keys, holders, strict=False) if holder == token]
    wanted = () if seen.barred else seen.missing
    give_back([key for key in taken if key not in wanted], token)
    if None in seen.generations or seen.ahead:
        return Claim(seen, token)  # there is more to claim
    return Claim(seen, token, tuple(key for key in taken if key in wanted))


def claiming(lookup: Lookup, looked: Claim) -> Generator[float, None, Claim]:
    """Take the leases of what is missing, or wait for those who have them to fill.

    Gives the seconds of each pause. Raises Unavailable, Forbidden; no lease is ours then.
    """
    seen = looked.seen
    if not seen.missing:
        return Claim(seen)
    if seen.barred:
        return Claim(seen, reason=seen.barred)
    if lookup.second_sight and not lookup.shelf.only_absences and is_first(seen.missing):
        return Claim(seen, reason=FIRST_SIGHT)
    token, waits = looked.token or gates.token(), 0
    give_up = time.monotonic() + conf().LEASE_WAIT
    pause = FIRST_PAUSE
    while True:
        seen, holders = ask_for_leases(lookup, seen, token)
        mine = tuple(key for key in seen.missing if holders[key] == token)
        others = [holders[key] not in (leases.NOBODY, token) for key in seen.missing]
        if mine or seen.barred or not seen.missing or not all(others):
            # Whatever is left is loaded at once: waiting with leases in hand can deadlock.
            return Claim(seen, token, mine, waits=waits)
        if (heard := tracker()) and heard.holds_leases:
            return Claim(seen, reason=OTHERS)
        if time.monotonic() > give_up:
            stats.count("lease", "gave up")
            return Claim(seen, reason=TOO_LONG, waits=waits)
        stats.count("lease", "waited")
        waits += 1
        yield pause * random.uniform(0.5, 1)  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE)


def ask_for_leases(lookup: Lookup, seen: Seen, token: str) -> tuple[Seen, dict[str, str]]:
    """Open missing gates, ask for the leases, look again. One round trip.

    Returns what is seen now, and who holds the lease of each key that was missing. Raises
    Unavailable, Forbidden.
    """
    asked = seen.missing
    admits = lookup.shelf.admit(lookup, seen)
    claims = [leases.claim(key, token) for key in asked]
    looks = lookup.shelf.look(lookup, asked)
    ahead = seen.ahead
    wanted = ahead.commands(token) if ahead else []
    try:
        replies = client.own(looks, client.call(*admits, *claims, *looks, *wanted))
    except BaseException:
        # Redis may have given them, and its answer is lost.
        release([*asked, *(ahead.keys if ahead else ())], token)
        raise
    if ahead:
        ahead.hear(token, replies[len(replies) - len(wanted) :])
    holders = dict(zip(asked, map(leases.holder, replies[len(admits) :]), strict=False))
    mine = [key for key in asked if holders[key] == token]
    left = ahead.left() if ahead else []
    try:
        told = replies[len(admits) + len(claims) : len(replies) - len(wanted)]
        again = lookup.shelf.judge(lookup, asked, looks, told)
    except BaseException:
        release([*mine, *left], token)
        raise
    spare = [key for key in mine if key in again.hits]
    if len(spare) == len(mine):  # nothing is this caller's to make
        ahead, spare = None, [*spare, *left]
    release(spare, token)
    unreadable = seen.unreadable | again.unreadable
    return replace(
        again,
        hits=seen.hits | again.hits,
        unreadable=unreadable,
        stale=seen.stale | again.stale,
        ahead=ahead,
    ), holders


def give_back(keys: Sequence[str], token: str) -> None:
    """`release` without waiting for it, where that can be."""
    releases = [leases.release(key, token) for key in keys]
    if releases and not client.post(releases, lambda answer: None):
        release(keys, token)


def release(keys: Sequence[str], token: str) -> None:
    """Give leases back unused, so that nobody waits for them."""
    try:
        if keys:
            client.call(*(leases.release(key, token) for key in keys))
    except Unavailable:
        return  # they expire
