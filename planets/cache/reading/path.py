"""The read path: near, Redis, database, in that order, one round trip at a time.

    1. Look: the entries and their gates, in one round trip. All gates open, and in the generation
       that an entry was filled under: a hit.
    2. Claim: open missing gates, take the lease of each missing key, look again. The second look
       is for the filler who finished between our look and our claim.
    3. Load from the database, or from a replica that has caught up (replicas.py). The generation
       that the entry will carry was read before, so a fill that raced with a write is born
       unreachable.
    4. Fill, while the lease is still ours. It is posted: nobody waits for the reply, unless
       somebody listens to what comes of each fetch.
    5. Report what came of it: counts and events, once.

A gate closed by a writer means: load and do not fill. A key leased by another means: wait a little
for its fill. Redis failing at any step means: load from the database and go on without it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import Error
from msgspec import Struct
from msgspec.structs import replace

from .. import stats
from ..conf import conf
from ..events import Fetch, Outcome, Tier, fetched
from ..storage import gates, leases
from ..storage.client import client
from ..storage.errors import Foreign, Unavailable
from ..storage.near import near
from ..storage.wire import Command
from . import late_copies, loads, memory, replicas
from .away import is_away
from .dependencies import tracker, unheard
from .envelope import Unencodable
from .filling import Filling
from .late import PUNCTUAL
from .lookup import Claim, Forbidden, Found, Load, Loaded, Lookup, Seen
from .permission import forbidden, may_be_near
from .sight import FIRST_SIGHT, is_first

T = TypeVar("T")

# The first pause of a caller that waits for another's fill; each next one is twice as long.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

TOO_LONG = "another caller was loading it for too long"
OTHERS = "another caller is loading it, and this one holds leases that others wait for"

NOTHING_LOADED = Loaded({})


class Filled(Struct, frozen=True):
    """Which keys were stored, or are about to be, each with its token; why something was not.

    What depends on a token that was never stored is not current, so it may be told beforehand.
    """

    stored: dict[str, str]
    reason: str = ""
    filling: Filling | None = None  # of which the caller has heard


NOTHING_FILLED = Filled({})


class Begun(Struct, frozen=True):
    """A fetch before its load: what is there, and what its loader may fill."""

    claimed: Claim
    outcome: Outcome  # of what is missing
    tier: Tier  # of what is there
    reason: str
    started: float


# Who hears of every fetch all that the path knows of it, which events do not tell.
hearers: list[Callable[[Lookup, Seen, Loaded, Begun, str], None]] = []
# Who hears of what was served, and how to load it again.
checkers: list[Callable[[Lookup, Seen, Load], None]] = []
# The fetch whose load this thread or task is in.
loading: ContextVar[Lookup | None] = ContextVar("cache_aside_loading", default=None)


def fetch(lookup: Lookup, load: Load, reason: str = "") -> dict[str, Any]:
    """The value of every key of the lookup; `load` gives those of the keys that it is handed.

    A value of None is an absence. A `reason` sends the fetch straight to the database.
    """
    begun = begin(lookup, reason)
    loaded = NOTHING_LOADED
    if begun.claimed.seen.missing:
        token = loading.set(lookup)
        try:
            fresh = replicas.routed(lookup, begun.claimed.seen, begun.outcome, load)
            loaded = load_missing(fresh, begun)
        except Error as error:
            begun = without_database(lookup, begun, error)
        finally:
            loading.reset(token)
    values = end(lookup, begun, loaded)
    for check in checkers:
        check(lookup, begun.claimed.seen, load)
    return values


def begin(lookup: Lookup, reason: str = "") -> Begun:
    """Look and claim: all that comes before the load."""
    begun = first_look(lookup, reason)
    return patiently(claims(lookup, begun)) if wants_leases(begun) else begun


def first_look(lookup: Lookup, reason: str = "") -> Begun:
    """What is there at once; nobody waits for it but for Redis."""
    started = time.perf_counter()
    outcome: Outcome = "bypass"
    try:
        if reason := reason or forbidden(lookup):
            pass
        elif (heard := tracker()) and (claim := heard.claimed_ahead(lookup)):
            return Begun(claim, "miss", "redis", "", started)
        elif seen := look_near(lookup):
            return Begun(Claim(seen), "miss", "near", "", started)
        else:
            return Begun(Claim(look(lookup)), "miss", "redis", "", started)
    except (Forbidden, Foreign) as error:
        reason = str(error)
    except Unavailable as error:
        outcome, reason = "error", str(error)
    return Begun(Claim(Seen({}, lookup.keys)), outcome, "redis", reason, started)


def wants_leases(begun: Begun) -> bool:
    """Whether something is missing that may be filled."""
    missing = begun.outcome == "miss" and begun.claimed.seen.missing
    return bool(missing) and not begun.claimed.mine


def claims(lookup: Lookup, begun: Begun) -> Generator[float, None, Begun]:
    """The claim to what the first look missed; gives the seconds of each pause."""
    try:
        claimed = yield from claiming(lookup, begun.claimed.seen)
    except (Forbidden, Foreign) as error:
        return replace(begun, outcome="bypass", reason=str(error))
    except Unavailable as error:
        return replace(begun, outcome="error", reason=str(error))
    return replace(begun, claimed=claimed, reason=claimed.reason)


def served(lookup: Lookup, begun: Begun) -> dict[str, Any]:
    """What is there, where nothing is missing: nothing is loaded, and nothing filled."""
    seen = begun.claimed.seen
    if heard := tracker():
        lookup.shelf.note(lookup, seen, NOTHING_LOADED, {})
        heard.note_late(seen.hits.values())
    return report(lookup, seen, NOTHING_LOADED, begun, begun.reason)


def end(lookup: Lookup, begun: Begun, loaded: Loaded) -> dict[str, Any]:
    """Fill and report: all that comes after the load."""
    seen, mine = begun.claimed.seen, begun.claimed.mine
    if loaded.ms is not None:
        loads.note(lookup.sql, loaded.ms)
    filled = NOTHING_FILLED
    if mine:
        try:
            filled = fill(lookup, begun.claimed, loaded)
        except BaseException:  # whatever it is, nobody is to wait for a fill that does not come
            release(mine, begun.claimed.token)
            raise
    if begun.outcome == "miss" and (heard := tracker()):
        lookup.shelf.note(lookup, seen, loaded, filled.stored)
        heard.note_late(seen.hits.values())
    reason = filled.reason
    if loaded.values and begun.outcome == "miss" and not mine and begun.reason != FIRST_SIGHT:
        # Why it was not ours to fill may be of last time, as of a page that was a visitor's own.
        refusals = (lookup.shelf.refuse(lookup, seen, v) for v in loaded.values.values())
        reason = next(filter(None, refusals), "")
    values = report(lookup, seen, loaded, begun, reason or begun.reason)
    if filled.filling:  # after the report, which tells what was remembered before
        filled.filling.remember(filled.stored)
    return values


def pass_by(lookup: Lookup, reason: str) -> None:
    """Tell of a read that is not ours to make."""
    seen = Seen({}, lookup.keys)
    nothing = Loaded(dict.fromkeys(lookup.keys))
    begun = Begun(Claim(seen), "bypass", "redis", reason, time.perf_counter())
    report(lookup, seen, nothing, begun, reason)


# --- look


def look_near(lookup: Lookup) -> Seen | None:
    """What this process keeps, where that is all of the lookup and current."""
    return lookup.shelf.near(lookup) if may_be_near() else None


def look(lookup: Lookup) -> Seen:
    """What Redis has. One round trip. Raises Unavailable, Forbidden."""
    ticket = near.ticket()
    asked = lookup.shelf.look(lookup, lookup.keys)
    seen = lookup.shelf.judge(lookup, lookup.keys, asked, client.ask(*asked))
    if seen.hits and conf().NEAR:
        lookup.shelf.keep(lookup, ticket, seen)
    return late_copies.accepted(lookup, seen) if seen.missing and lookup.late.max_stale else seen


# --- claim


def claim(lookup: Lookup, seen: Seen) -> Claim:
    """`claiming`, asleep in each pause."""
    return patiently(claiming(lookup, seen))


def patiently(steps: Generator[float, None, T]) -> T:
    """What the steps return, asleep in each pause."""
    while True:
        try:
            pause = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        time.sleep(pause)


def claiming(lookup: Lookup, seen: Seen) -> Generator[float, None, Claim]:
    """Take the leases of what is missing, or wait for those who have them to fill.

    Gives the seconds of each pause. Raises Unavailable, Forbidden; no lease is ours then.
    """
    if not seen.missing:
        return Claim(seen)
    if seen.barred:
        return Claim(seen, reason=seen.barred)
    if lookup.second_sight and not lookup.shelf.only_absences and is_first(seen.missing):
        return Claim(seen, reason=FIRST_SIGHT)
    token, waits = gates.token(), 0
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


def release(keys: Sequence[str], token: str) -> None:
    """Give leases back unused, so that nobody waits for them."""
    try:
        if keys:
            client.call(*(leases.release(key, token) for key in keys))
    except Unavailable:
        return  # they expire


# --- load


def load_missing(load: Load, begun: Begun) -> Loaded:
    """What the database has for the missing keys. Whatever it raises, no lease stays ours."""
    claimed = begun.claimed
    started = time.perf_counter()
    try:
        if begun.outcome == "miss" and tracker():
            with unheard():  # the fetch itself tells what it depends on
                values = load(claimed.seen.missing)
        else:
            values = load(claimed.seen.missing)
    except BaseException as error:
        release(claimed.mine, claimed.token)
        if (heard := tracker()) and isinstance(error, Error):
            heard.fails()
        raise
    return timed(values, claimed, started)


def without_database(lookup: Lookup, begun: Begun, error: BaseException) -> Begun:
    """The fetch with what is served late. Raises the error where not all of it is there."""
    late: Seen | None = None
    if lookup.late.stale_if_error and begun.outcome == "miss" and is_away(error):
        late = late_copies.instead(lookup, begun.claimed.seen)
    if late is None:
        raise error
    if heard := tracker():
        heard.does_without()
    return replace(begun, claimed=Claim(late), reason="")


def timed(values: dict[str, Any], claimed: Claim, started: float) -> Loaded:
    """What was loaded, and how long that took."""
    seconds = time.perf_counter() - started
    stats.count("load", "done")
    stats.spent("load", seconds)
    return Loaded(values, seconds * 1000 / len(claimed.seen.missing))


# --- fill


def fill(lookup: Lookup, claimed: Claim, loaded: Loaded) -> Filled:
    """Store what we hold the leases of, and give every lease back. One round trip, or none."""
    shelf, seen, token, reason = lookup.shelf, claimed.seen, claimed.token, ""
    commands: dict[str, Command] = {}
    expires: dict[str, float] = {}
    now, usual = time.time(), loads.usual(lookup.sql)
    for key in claimed.mine:
        value = loaded.values[key]
        if refusal := shelf.refuse(lookup, seen, value):
            reason = refusal
            continue
        if value is None and lookup.second_sight and is_first([key]):
            reason = FIRST_SIGHT
            continue
        generation: Any = shelf.generation(lookup, seen.generations, value)
        found = Found(value, generation, _expires(lookup, value, now), 0, usual, filled=now)
        try:
            commands[key] = shelf.fill(lookup, key, token, _expiry(lookup, found), found)
            expires[key] = found.expires
        except Unencodable as error:
            stats.count(shelf.kind, "unencodable")
            reason = f"not stored: {error}"
    stored: dict[str, str] = {}
    heard: Filling | None = None
    if commands:
        tables = {key: shelf.tables(lookup, loaded.values[key]) for key in commands}
        filling = Filling(lookup.sql, token, expires, tables)
        started = time.perf_counter()
        # Who hears of each fetch is to be told the truth of it.
        if not fetched.receivers and client.post([*commands.values()], filling.heard):
            stored = dict.fromkeys(commands, token)
            stats.spent("fill", time.perf_counter() - started)
        else:
            try:
                stored = filling.stored(client.call(*commands.values()))
                stats.spent("fill", time.perf_counter() - started)
                heard = filling
            except Unavailable as error:
                reason = f"not stored: {error}"
                # A Redis that is full has refused the value, and would keep the lease.
                commands.clear()
    release([key for key in claimed.mine if key not in commands], token)
    return Filled(stored, reason, heard)


def _expires(lookup: Lookup, value: Any, now: float) -> float:
    """When an entry of this value ends, in Unix time."""
    if lookup.expire_at:
        return lookup.expire_at.timestamp()
    ttl, jitter = lookup.shelf.ttl(lookup, value), conf().JITTER
    return now + ttl * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311


def _expiry(lookup: Lookup, found: Found) -> leases.Expiry:
    """The same as a command of Redis's and its milliseconds."""
    # Of what is not there anybody can ask without end.
    most = conf().ABSENT_TTL if found.value is None else lookup.late.kept
    late_ms = round(min(lookup.late.kept, most) * 1000)
    if lookup.expire_at:
        return leases.Expiry("PEXPIREAT", round(found.expires * 1000), late_ms)
    ms = max(1, round((found.expires - time.time()) * 1000))
    return leases.Expiry("PEXPIRE", ms, late_ms)


# --- report


def report(lookup: Lookup, seen: Seen, loaded: Loaded, begun: Begun, reason: str) -> dict[str, Any]:
    """Count and tell what came of each key: a hit, or the outcome and the reason of a load.

    Returns the values.
    """
    kind, hits, tables = lookup.shelf.kind, seen.hits, lookup.tables
    if not tables:  # of what is computed, its value tells them
        made = next(iter(hits.values())).value if hits else next(iter(loaded.values.values()), None)
        tables = lookup.shelf.tables(lookup, made)
    late = sum(bool(found.late) for found in hits.values()) if lookup.late is not PUNCTUAL else 0
    if late:
        stats.count(kind, "stale", late, tables)
    if len(hits) > late:
        stats.count(kind, "near hit" if begun.tier == "near" else "hit", len(hits) - late, tables)
    values = {key: found.value for key, found in hits.items()}
    if seen.missing:
        stats.count(kind, begun.outcome, len(seen.missing), tables)
        values.update((key, loaded.values[key]) for key in seen.missing)
    if seen.unreadable:
        stats.count(kind, "undecodable", len(seen.unreadable))
    for hear in hearers:
        hear(lookup, seen, loaded, begun, reason)
    if fetched.receivers:
        ms = (time.perf_counter() - begun.started) * 1000 / len(lookup.keys)
        for key in lookup.keys:
            if key in seen.hits:
                found = seen.hits[key]
                event = _hit(lookup, key, found, begun.tier, ms)
            else:
                value = loaded.values[key]
                cause, remembered = _why(key, seen, begun)
                event = Fetch(
                    kind=kind, key=key, sql=lookup.sql,
                    tables=lookup.shelf.tables(lookup, value), records=lookup.shelf.records(value),
                    outcome=begun.outcome, tier="database", ms=ms, reason=reason, cause=cause,
                    memory=remembered, load_ms=loaded.ms,
                )  # fmt: skip
            fetched.send(Lookup, event=event)
    return values


def _why(key: str, seen: Seen, begun: Begun) -> tuple[str, str]:
    """Why there was nothing to serve under a key, and what this process remembers of that."""
    if unreadable := seen.unreadable.get(key):
        return unreadable, ""
    if cause := seen.stale.get(key):
        return cause.told, memory.of_change(cause)
    # Of a bypass, and where Redis is away, nobody has looked.
    return "", memory.of_absence(key) if begun.outcome == "miss" and key else ""


def _hit(lookup: Lookup, key: str, found: Found, tier: Tier, ms: float) -> Fetch:
    return Fetch(
        kind=lookup.shelf.kind,
        key=key,
        sql=lookup.sql,
        tables=lookup.shelf.tables(lookup, found.value),
        records=lookup.shelf.records(found.value),
        outcome="stale" if found.late else "hit",
        tier=tier,
        ms=ms,
        cause=found.late,
        ttl=found.filled - time.time() if found.late else max(0.0, found.expires - time.time()),
        bytes=found.bytes,
        load_ms=found.load_ms or None,
    )
