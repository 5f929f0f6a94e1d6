"""Fetching what is computed: pages, fragments and values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, Error

from ..events import Tier
from ..storage import keys
from . import claiming, path, reporting
from .ahead import remember
from .away import DatabaseAway
from .computed_format import Made
from .computed_shelf import ComputedShelf
from .dependencies import Tracker, tracker, tracking
from .late import PUNCTUAL, Late
from .lookup import ANY, Begun, Claim, Loaded, Lookup, Seen, oldest
from .permission import forbidden, unheard


def lookup_of(
    shelf: ComputedShelf,
    key: str,
    name: str,
    ttl: float | None = None,
    late: Late = PUNCTUAL,
    *,
    of_any_age: bool = False,
) -> Lookup:
    """Where a computed value belongs; without `of_any_age` none is served that is past its TTL.

    All stand behind the gate of the default database, whatever they read, so that what makes
    everything unreachable reaches them, too.
    """
    return Lookup(
        shelf=shelf,
        alias=ANY,
        keys=(key,),
        gates=(keys.database_gate(DEFAULT_DB_ALIAS, beside=key),),
        tables=(),
        sql=name,
        ttl=ttl,
        max_age=None if ttl is None or of_any_age else oldest(ttl),
        late=late,
    )


def made_by(
    heard: Tracker,
    payload: Any,
    *,
    refusal: str = "",
    mark: Mapping[str, str] | None = None,
    ttl: float | None = None,
    rare: bool = False,
    away: bool = False,
) -> Made:
    """What was computed while `heard` was listening."""
    reason = heard.refusal or refusal or unheard()
    tables = tuple(sorted(heard.tables))
    return Made(payload, heard.found(), tables, reason, mark or {}, ttl, heard.since, rare, away)


def peek(lookup: Lookup) -> Any:
    """The payload that is there and current, for who would not fill it; None where there is none.

    Raises Unavailable, Forbidden.
    """
    started = time.perf_counter()
    if forbidden(lookup):
        return None
    near = path.look_near(lookup)
    seen = near or path.look(lookup)
    if seen.missing:
        return None
    return _hit(lookup, seen, "near" if near else "redis", started).payload


def proves(lookup: Lookup, mark: Mapping[str, str]) -> bool:
    """Whether the entry of this mark is current: a hit, without its bytes. Raises Unavailable."""
    started = time.perf_counter()
    (key,) = lookup.keys
    if forbidden(lookup):
        return False
    near = path.look_near(lookup)
    shelf: Any = lookup.shelf
    found = near.hits[key] if near else shelf.current(lookup, mark)
    if found is None or found.value.mark != mark:
        return False
    _hit(lookup, Seen({key: found}, ()), "near" if near else "redis", started)
    return True


def _hit(lookup: Lookup, seen: Seen, tier: Tier, started: float) -> Made:
    """Tell of a hit that needed no fetch."""
    begun = Begun(Claim(seen), "miss", tier, "", started)
    made: Made = reporting.report(lookup, seen, path.NOTHING_LOADED, begun, "")[lookup.keys[0]]
    return made


def fetch(lookup: Lookup, make: Callable[[Tracker], Made]) -> Any:
    """The payload under the lookup's key, made where it is not there or not current."""
    begun = path.begin(lookup)
    if not begun.claimed.seen.missing:
        return path.served(lookup, begun)[lookup.keys[0]].payload
    (key,) = lookup.keys
    shelf: Any = lookup.shelf

    def load(wanted: Sequence[str]) -> dict[str, Made]:
        if begun.outcome != "miss":
            return {key: make(Tracker())}  # not to be stored: who listens already hears it all
        ahead = begun.claimed.seen.ahead
        try:
            with tracking(ahead) as heard:
                made = shelf.made(key, make(heard))
        finally:
            if ahead:
                claiming.release(ahead.left(), begun.claimed.token)
        remember(key, heard.fetched)
        return made

    loaded = path.NOTHING_LOADED
    try:
        loaded = path.load_missing(load, begun)
    except Error as error:
        begun = path.without_database(lookup, begun, error)
    return _ended(lookup, begun, loaded)


def _ended(lookup: Lookup, begun: Begun, loaded: Loaded) -> Any:
    """The payload that came of it: that of a late copy, where what was made is no more than word
    that the database is away.
    """
    (key,) = lookup.keys
    if key in loaded.values and loaded.values[key].away:
        try:
            late = path.without_database(lookup, begun, DatabaseAway())
        except DatabaseAway:
            pass
        else:
            claiming.release(begun.claimed.mine, begun.claimed.token)
            begun, loaded = late, path.NOTHING_LOADED
    return path.end(lookup, begun, loaded)[key].payload


def _next(steps: Generator[float, None, Begun]) -> float | Begun:
    try:
        return next(steps)
    except StopIteration as done:  # which no future can raise
        begun: Begun = done.value
        return begun


async def afetch(lookup: Lookup, make: Callable[[Tracker], Awaitable[Made]]) -> Any:
    """`fetch` for async code: what waits for Redis does so in a thread."""
    (key,) = lookup.keys
    # A task that is cancelled here would leave the leases that its thread has taken.
    begun = await sync_to_async(path.first_look)(lookup, guess=False)
    if path.wants_leases(begun):
        steps = path.claims(lookup, begun)
        while not isinstance(step := await sync_to_async(_next)(steps), Begun):
            # Not in the thread: who holds the lease may need that thread to load.
            await asyncio.sleep(step)
        begun = step
    if not begun.claimed.seen.missing:
        return path.served(lookup, begun)[key].payload
    shelf: Any = lookup.shelf
    started = time.perf_counter()
    ahead = begun.claimed.seen.ahead
    try:
        if begun.outcome != "miss":
            values = {key: await make(Tracker())}
        else:
            with tracking(ahead) as heard:
                values = shelf.made(key, await make(heard))
            remember(key, heard.fetched)
    except BaseException as error:
        # A task that is cancelled may not wait again, and nobody else would give it back.
        mine = [*begun.claimed.mine, *(ahead.left() if ahead else ())]
        await asyncio.shield(sync_to_async(claiming.release)(mine, begun.claimed.token))
        if not isinstance(error, Error):
            raise
        if heard_outside := tracker():
            heard_outside.fails()
        late = await sync_to_async(path.without_database)(lookup, begun, error)
        return path.end(lookup, late, path.NOTHING_LOADED)[key].payload
    if ahead and (left := ahead.left()):
        await sync_to_async(claiming.release)(left, begun.claimed.token)
    loaded = path.timed(values, begun.claimed, started)
    return await sync_to_async(_ended)(lookup, begun, loaded)
