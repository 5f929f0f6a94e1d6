"""The read path: near, Redis, database, in that order, one round trip at a time.

    1. Look: the entries and their gates, in one round trip. All gates open, and in the generation
       that an entry was filled under: a hit.
    2. Claim: open missing gates, take the lease of each missing key, look again (claiming.py). Who
       expects a miss takes the leases with his look, and need not claim again where all gates are
       open (foresight.py).
    3. Load from the database, or from a replica that has caught up (replicas.py). The generation
       that the entry will carry was read before, so a fill that raced with a write is born
       unreachable.
    4. Fill, while the lease is still ours (filling.py). It is posted: nobody waits for the reply,
       unless somebody listens to what comes of each fetch.
    5. Report what came of it: counts and events, once (reporting.py).

A gate closed by a writer means: load and do not fill. A key leased by another means: wait a little
for its fill. Redis failing at any step means: load from the database and go on without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any

from django.db import Error
from msgspec.structs import replace

from .. import stats
from ..conf import conf
from ..events import Outcome
from ..storage.client import client
from ..storage.errors import Foreign, Unavailable
from ..storage.near import near
from . import foresight, late_copies, loads, replicas
from .away import is_away
from .claiming import claiming, patiently, release, taking
from .dependencies import tracker, unheard
from .filling import NOTHING_FILLED, fill
from .lookup import Begun, Claim, Forbidden, Load, Loaded, Lookup, Seen
from .permission import forbidden, may_be_near
from .reporting import report
from .sight import FIRST_SIGHT

NOTHING_LOADED = Loaded({})

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


def first_look(lookup: Lookup, reason: str = "", *, guess: bool = True) -> Begun:
    """What is there at once; nobody waits for it but for Redis.

    Without a `guess` no lease is taken, whatever is expected.
    """
    started = time.perf_counter()
    outcome: Outcome = "bypass"
    try:
        if reason := reason or forbidden(lookup):
            pass
        elif (heard := tracker()) and (claim := heard.claimed_ahead(lookup)):
            return Begun(claim, "miss", "redis", "", started)
        elif seen := look_near(lookup):
            return Begun(Claim(seen), "miss", "near", "", started)
        elif guess and foresight.expects_a_miss(lookup):
            return Begun(look_and_claim(lookup), "miss", "redis", "", started)
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
        claimed = yield from claiming(lookup, begun.claimed)
    except (Forbidden, Foreign) as error:
        return replace(begun, outcome="bypass", reason=str(error))
    except Unavailable as error:
        return replace(begun, outcome="error", reason=str(error))
    if claimed.mine:
        foresight.has_claimed(lookup)
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


def look_and_claim(lookup: Lookup) -> Claim:
    """The look of one who expects nothing there. One round trip. Raises Unavailable, Forbidden."""
    if reason := client.avoided:
        raise Unavailable(reason)
    ticket = near.ticket()
    claimed = taking(lookup)
    if claimed.mine:
        foresight.has_claimed(lookup)
    if claimed.seen.hits or claimed.seen.barred:
        foresight.was_wrong(lookup)
    if claimed.seen.hits and conf().NEAR:
        lookup.shelf.keep(lookup, ticket, claimed.seen)
    return claimed


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
