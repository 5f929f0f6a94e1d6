"""The read path: near, Redis, database, in that order, one round trip at a time.

    1. Look: the entries and their gates, in one round trip. All gates open, and in the generation
       that an entry was filled under: a hit.
    2. Claim: open missing gates, take the lease of each missing key, look again. The second look
       is for the filler who finished between our look and our claim.
    3. Load from the database. The generation that the entry will carry was read before, so a fill
       that raced with a write is born unreachable.
    4. Fill, while the lease is still ours.
    5. Report what came of it: counts and events, once.

A gate closed by a writer means: load and do not fill. A key leased by another means: wait a little
for its fill. Redis failing at any step means: load from the database and go on without it.
"""

from __future__ import annotations

import random
import time
from typing import Any, NamedTuple

from .. import stats
from ..conf import conf
from ..events import Fetch, Outcome, Tier, fetched
from ..storage import gates, leases
from ..storage.client import client
from ..storage.errors import Unavailable
from ..storage.near import near
from ..storage.wire import Reply
from .codec import Undecodable, Unencodable
from .lookup import Found, Load, Lookup
from .permission import forbidden

# The first pause of a caller that waits for another's fill; each next one is twice as long.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

GATE_BYTES = 16  # of a generation's token

WRITING = "a write to its tables is in flight"
TOO_LONG = "another caller was loading it for too long"

Generations = tuple[str | None, ...]  # of a lookup's gates; None: closed by a writer, or missing


class Seen(NamedTuple):
    """What a look has seen: what is there and current, and what is missing."""

    hits: dict[str, Found]
    missing: tuple[str, ...]
    generations: Generations = ()
    closed: bool = False  # a writer holds a gate that every value stands behind
    unreadable: dict[str, str] = {}  # noqa: RUF012  by key: why what lay there is no entry


class Claim(NamedTuple):
    """Which of the missing keys are ours to fill, and what was seen when we asked for them."""

    seen: Seen
    token: str = ""
    mine: tuple[str, ...] = ()
    reason: str = ""  # why nothing is to be filled


class Loaded(NamedTuple):
    """What the database gave for the missing keys."""

    values: dict[str, Any]
    ms: float | None = None  # each key's share of the time that it took


NOTHING_LOADED = Loaded({})


def fetch(lookup: Lookup, load: Load, reason: str = "") -> dict[str, Any]:
    """The value of every key of the lookup; `load` gives those of the keys that it is handed.

    A value of None is an absence. A `reason` sends the fetch straight to the database.
    """
    started = time.perf_counter()
    claimed = Claim(Seen({}, lookup.keys))
    outcome: Outcome = "miss"
    tier: Tier = "redis"
    if reason := reason or forbidden(lookup):
        outcome = "bypass"
    elif seen := look_near(lookup):
        claimed, tier = Claim(seen), "near"
    else:
        try:
            claimed = Claim(look(lookup))
            claimed = claim(lookup, claimed.seen)
            reason = claimed.reason
        except Unavailable as error:
            outcome, reason = "error", str(error)
    loaded = NOTHING_LOADED
    if claimed.seen.missing:
        loaded = load_missing(load, claimed)
        reason = fill(lookup, claimed, loaded) or reason
    return report(lookup, claimed.seen, loaded, started, outcome, tier, reason)


def pass_by(lookup: Lookup, reason: str) -> None:
    """Tell of a read that is not ours to make."""
    seen = Seen({}, lookup.keys)
    nothing = Loaded(dict.fromkeys(lookup.keys))
    report(lookup, seen, nothing, time.perf_counter(), "bypass", "redis", reason)


# --- look


def look_near(lookup: Lookup) -> Seen | None:
    """What this process keeps, where that is all of the lookup and current."""
    if not conf().NEAR:
        return None
    kept = near.look(lookup.gates + lookup.keys)
    if kept is None:
        return None
    generations = tuple(kept[: len(lookup.gates)])
    hits = dict(zip(lookup.keys, kept[len(lookup.gates) :], strict=True))
    for found in hits.values():
        if found is None or found.generation != current(lookup, generations, found.value):
            return None
    return Seen(hits, (), generations)


def look(lookup: Lookup) -> Seen:
    """What Redis has. One round trip. Raises Unavailable."""
    ticket = near.ticket()
    replies = client.call(*map(lookup.shelf.read, lookup.keys), ("MGET", *lookup.gates))
    seen = judge(lookup, lookup.keys, replies)
    if seen.hits and conf().NEAR:
        near.keep(ticket, _slots(lookup, seen))
    return seen


def judge(lookup: Lookup, keys: tuple[str, ...], replies: list[Reply]) -> Seen:
    """The replies to a look, the gates' last, sorted into hits and what is missing."""
    shelf = lookup.shelf
    generations = tuple(map(gates.generation, replies[-1]))
    closed = any(map(gates.is_closed, replies[-1][shelf.behind(lookup, absent=False)]))
    hits, missing, unreadable = {}, [], {}
    for key, reply in zip(keys, replies, strict=False):
        try:
            found = shelf.decode(lookup, key, reply)
        except Undecodable as error:
            unreadable[key] = f"undecodable: {error}"
            found = None
        if found and found.generation == current(lookup, generations, found.value):
            hits[key] = found
        else:
            missing.append(key)
    return Seen(hits, tuple(missing), generations, closed, unreadable)


def current(lookup: Lookup, generations: Generations, value: Any) -> Generations:
    """The generation that an entry of this value must carry; has None behind a closed gate."""
    return generations[lookup.shelf.behind(lookup, value is None)]


def _slots(lookup: Lookup, seen: Seen) -> list[tuple[str, Any, float, int]]:
    """What the near tier is to keep: the hits, and the open gates that they stand behind."""
    slots: list[tuple[str, Any, float, int]] = [
        (key, found, found.expires, found.plain_bytes or found.bytes)
        for key, found in seen.hits.items()
    ]
    for gate, generation in zip(lookup.gates, seen.generations, strict=True):
        if generation:
            slots.append((gate, generation, float("inf"), GATE_BYTES))
    return slots


# --- claim


def claim(lookup: Lookup, seen: Seen) -> Claim:
    """Take the leases of what is missing, or wait for those who have them to fill.

    Raises Unavailable; no lease is ours then.
    """
    if not seen.missing:
        return Claim(seen)
    if seen.closed:
        return Claim(seen, reason=WRITING)
    token = gates.token()
    give_up = time.monotonic() + conf().LEASE_WAIT
    pause = FIRST_PAUSE
    while True:
        seen, holders = ask_for_leases(lookup, seen, token)
        mine = tuple(key for key in seen.missing if holders[key] == token)
        others = [holders[key] not in (leases.NOBODY, token) for key in seen.missing]
        if mine or seen.closed or not seen.missing or not all(others):
            # Whatever is left is loaded at once: waiting with leases in hand can deadlock.
            return Claim(seen, token, mine)
        if time.monotonic() > give_up:
            stats.count("lease", "gave up")
            return Claim(seen, reason=TOO_LONG)
        stats.count("lease", "waited")
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE)


def ask_for_leases(lookup: Lookup, seen: Seen, token: str) -> tuple[Seen, dict[str, str]]:
    """Open missing gates, ask for the leases, look again. One round trip. Raises Unavailable.

    Returns what is seen now, and who holds the lease of each key that was missing.
    """
    asked = seen.missing
    admits = [
        gates.admit(gate)
        for gate, generation in zip(lookup.gates, seen.generations, strict=True)
        if generation is None
    ]
    claims = [leases.claim(key, token) for key in asked]
    looks = [*map(lookup.shelf.read, asked), ("MGET", *lookup.gates)]
    replies = client.call(*admits, *claims, *looks)
    again = judge(lookup, asked, replies[len(admits) + len(claims) :])
    holders = dict(zip(asked, map(leases.holder, replies[len(admits) :]), strict=False))
    release([key for key in again.hits if holders[key] == token], token)
    return (
        again._replace(hits=seen.hits | again.hits, unreadable=seen.unreadable | again.unreadable),
        holders,
    )


def release(keys: list[str], token: str) -> None:
    """Give leases back unused, so that nobody waits for them."""
    try:
        if keys:
            client.call(*(leases.release(key, token) for key in keys))
    except Unavailable:
        return  # they expire


# --- load


def load_missing(load: Load, claimed: Claim) -> Loaded:
    """What the database has for the missing keys. Whatever it raises, no lease stays ours."""
    started = time.perf_counter()
    try:
        values = load(claimed.seen.missing)
    except BaseException:
        release(list(claimed.mine), claimed.token)
        raise
    seconds = time.perf_counter() - started
    stats.count("load", "done")
    stats.spent("load", seconds)
    return Loaded(values, seconds * 1000 / len(claimed.seen.missing))


# --- fill


def fill(lookup: Lookup, claimed: Claim, loaded: Loaded) -> str:
    """Store what we hold the leases of, and give every lease back. One round trip.

    Returns why something was not stored, "" where all was.
    """
    token, reason = claimed.token, ""
    commands = {}
    for key in claimed.mine:
        value = loaded.values[key]
        generation = current(lookup, claimed.seen.generations, value)
        if None in generation:
            reason = WRITING
            continue
        found = Found(value, generation, _expires(lookup, value), 0, loaded.ms)  # type: ignore[arg-type]
        try:
            commands[key] = lookup.shelf.fill(lookup, key, token, _expiry(lookup, found), found)
        except Unencodable as error:
            stats.count(lookup.shelf.kind, "unencodable")
            reason = f"not stored: {error}"
    unstored = [key for key in claimed.mine if key not in commands]
    if commands:
        started = time.perf_counter()
        try:
            replies = client.call(*commands.values())
            stats.spent("fill", time.perf_counter() - started)
            stored = sum(1 for reply in replies if reply == 1)
            stats.count("fill", "stored", stored)
            stats.count("fill", "outlived its lease", len(replies) - stored)
        except Unavailable as error:
            reason = f"not stored: {error}"
            # A Redis that is full has refused the value, and would keep the lease.
            unstored = list(claimed.mine)
    release(unstored, token)
    return reason


def _expires(lookup: Lookup, value: Any) -> float:
    """When an entry of this value ends, in Unix time."""
    if lookup.expire_at:
        return lookup.expire_at.timestamp()
    ttl, jitter = lookup.ttl or conf().TTL, conf().JITTER
    if value is None:
        ttl = min(ttl, conf().ABSENT_TTL)
    return time.time() + ttl * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311


def _expiry(lookup: Lookup, found: Found) -> tuple[str, int]:
    """The same as a command of Redis's and its milliseconds."""
    if lookup.expire_at:
        return "PEXPIREAT", round(found.expires * 1000)
    return "PEXPIRE", max(1, round((found.expires - time.time()) * 1000))


# --- report


def report(
    lookup: Lookup,
    seen: Seen,
    loaded: Loaded,
    started: float,
    outcome: Outcome,
    tier: Tier,
    reason: str,
) -> dict[str, Any]:
    """Count and tell what came of each key: a hit, or the `outcome` and `reason` of a load.

    Returns the values.
    """
    kind = lookup.shelf.kind
    if seen.hits:
        stats.count(kind, "near hit" if tier == "near" else "hit", len(seen.hits))
    if loaded.values:
        stats.count(kind, outcome, len(seen.missing))
    if seen.unreadable:
        stats.count(kind, "undecodable", len(seen.unreadable))
    values = {key: found.value for key, found in seen.hits.items()}
    values.update((key, loaded.values[key]) for key in seen.missing)
    if fetched.receivers:
        ms = (time.perf_counter() - started) * 1000 / len(lookup.keys)
        for key in lookup.keys:
            if found := seen.hits.get(key):
                event = _hit(lookup, key, found, tier, ms)
            else:
                why = reason or seen.unreadable.get(key, "")
                event = Fetch(
                    kind=kind, key=key, sql=lookup.sql, tables=lookup.tables,
                    outcome=outcome, tier="database", ms=ms, reason=why, load_ms=loaded.ms,
                )  # fmt: skip
            fetched.send(Lookup, event=event)
    return values


def _hit(lookup: Lookup, key: str, found: Found, tier: Tier, ms: float) -> Fetch:
    return Fetch(
        kind=lookup.shelf.kind,
        key=key,
        sql=lookup.sql,
        tables=lookup.tables,
        outcome="hit",
        tier=tier,
        ms=ms,
        ttl=max(0.0, found.expires - time.time()),
        bytes=found.bytes,
        load_ms=found.load_ms,
    )
