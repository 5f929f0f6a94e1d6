"""The fill: what was loaded is stored while its lease is still ours, and each lease given back."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from .. import stats
from ..conf import conf
from ..events import fetched
from ..storage import leases
from ..storage.client import Answer, client
from ..storage.errors import Unavailable
from ..storage.wire import Command, Reply
from . import loads, memory
from .claiming import release
from .envelope import Unencodable
from .lookup import Claim, Found, Loaded, Lookup
from .sight import FIRST_SIGHT, is_first


class Filling(Struct, frozen=True):
    """The fills of one fetch, all under one token.

    Where it is posted its replies are heard by somebody else, later, so it holds nothing of the
    values. Its scripts give the leases back themselves, also where Redis is full.
    """

    sql: str
    token: str
    expires: dict[str, float]  # by key: in Unix time
    tables: dict[str, tuple[str, ...]]  # by key

    def stored(self, replies: Sequence[Reply]) -> dict[str, str]:
        """Count them; returns the token of each key that was stored."""
        stored = {key: self.token for key, r in zip(self.expires, replies, strict=True) if r == 1}
        stats.count("fill", "stored", len(stored))
        stats.count("fill", "outlived its lease", len(replies) - len(stored))
        return stored

    def remember(self, keys: Iterable[str]) -> None:
        """That this process has filled these, for who asks later why one is gone."""
        for key in keys:
            memory.filled(key, self.expires[key], self.sql, self.tables[key])

    def heard(self, answer: Answer) -> None:
        """The answer to what was posted; what was lost is a miss for the next one, and no more."""
        if not isinstance(answer, Unavailable):
            self.remember(self.stored(answer))


class Filled(Struct, frozen=True):
    """Which keys were stored, or are about to be, each with its token; why something was not.

    What depends on a token that was never stored is not current, so it may be told beforehand.
    """

    stored: dict[str, str]
    reason: str = ""
    filling: Filling | None = None  # of which the caller has heard


NOTHING_FILLED = Filled({})


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
