"""The read path: near, Redis, database, in that order, one round trip at a time.

    1. Look: the entries and their gates, in one round trip. All gates open, and in the generation
       that an entry was filled under: a hit.
    2. Claim: open missing gates, take the lease of each missing key, look again. The second look
       is for the filler who finished between our look and our claim.
    3. Load from the database. The generation that the entry will carry was read before, so a fill
       that raced with a write is born unreachable.
    4. Fill, while the lease is still ours.

A gate closed by a writer means load and do not fill. A key leased by another means wait a little
for its fill. Redis failing at any step means load from the database and go on without.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connections

from . import gates, lease, stats
from .client import Command, Reply, Unavailable, client
from .codecs import Undecodable, Unencodable
from .conf import conf
from .near import near
from .signals import Fetch, Kind, Outcome, Tier, fetched
from .writes import writes

# The first pause of a caller that waits for another's fill; each next one is twice as long.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

GATE_BYTES = 16  # of a generation's token

WRITING = "a write to its tables is in flight"

_disabled: ContextVar[bool] = ContextVar("cache_aside_disabled", default=False)


@contextmanager
def disabled() -> Iterator[None]:
    """Within it every fetch of this thread or task goes to the database. Invalidation goes on."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


class Found(NamedTuple):
    """A value as it lay in Redis."""

    value: Any
    generation: tuple[str, ...]
    expires: float  # Unix time
    bytes: int
    load_ms: float | None = None
    plain_bytes: int = 0  # before compression, where it was compressed


class Shelf(Protocol):
    """How one kind of value lies in Redis."""

    kind: Kind

    def read(self, key: str) -> Command: ...

    def decode(self, reply: Reply) -> Found | None:
        """None where there is nothing. Raises Undecodable."""

    def behind(self, lookup: Lookup, absent: bool) -> slice:
        """Which of the lookup's gates a value, or an absence, stands behind."""

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: tuple[str, int], found: Found
    ) -> Command:
        """Raises Unencodable."""


class Lookup(NamedTuple):
    """What is asked: keys of one shelf, the gates they may stand behind, and how long to keep.

    `ttl` is seconds, None the default; `expire_at` rules over it.
    """

    shelf: Shelf
    alias: str
    keys: tuple[str, ...]
    gates: tuple[str, ...]
    tables: tuple[str, ...]
    sql: str
    ttl: float | None = None
    expire_at: datetime | None = None


Load = Callable[[Sequence[str]], dict[str, Any]]


def fetch(lookup: Lookup, load: Load, reason: str = "") -> dict[str, Any]:
    """The value of every key of the lookup; `load` gives those of the keys it is handed.

    A value of None is an absence. A `reason` sends the fetch straight to the database.
    """
    reading = Reading(lookup, load)
    if reason := reason or forbidden(lookup):
        reading.load("bypass", reason)
        return reading.values
    if conf().NEAR and reading.look_near():
        return reading.values
    try:
        reading.look()
        if reading.missing and reading.closed:
            reading.load("miss", WRITING)
        elif reading.missing:
            reading.claim_and_fill()
    except Unavailable as error:
        if reading.missing:
            reading.load("error", str(error))
    return reading.values


def pass_by(lookup: Lookup, reason: str) -> None:
    """Tells of a read that is not ours to make."""
    reading = Reading(lookup, lambda wanted: {})
    reading.reason = reason
    reading.tell(lookup.keys[0], "bypass")


def forbidden(lookup: Lookup) -> str:
    """Why the cache must not serve or keep this now; "" where it may."""
    if not conf().ENABLED or _disabled.get():
        return "caching is disabled"
    state = writes(connections[lookup.alias])
    if state and (reason := state.forbids(lookup.gates, lookup.keys)):
        return reason
    if client.away:
        return "Redis is away"
    return ""


class Reading:
    """One fetch on its way: what it has, what it misses, and under which generation."""

    def __init__(self, lookup: Lookup, load: Load) -> None:
        self.lookup = lookup
        self.loader = load
        self.values: dict[str, Any] = {}
        self.missing: list[str] = list(lookup.keys)
        self.token = ""  # under which it holds leases
        self.generation: list[str | None] = []
        self.closed = False  # a writer holds a gate that every value stands behind
        self.reason = ""
        self.started = time.perf_counter()

    # --- this process

    def look_near(self) -> bool:
        """Whether the near tier has it all, current."""
        lookup = self.lookup
        kept = near.look(lookup.gates + lookup.keys)
        if kept is None:
            return False
        self.generation = kept[: len(lookup.gates)]
        hits = dict(zip(lookup.keys, kept[len(lookup.gates) :], strict=True))
        for found in hits.values():
            if found is None or found.generation != self.current(found.value):
                return False
        for key, found in hits.items():
            self.values[key] = found.value
            self.tell(key, "hit", found, tier="near")
        self.missing = []
        return True

    # --- Redis

    def look(self) -> None:
        """Take what is there and current. One round trip."""
        shelf, missing = self.lookup.shelf, self.missing
        ticket = near.ticket()
        replies = client.call(*map(shelf.read, missing), ("MGET", *self.lookup.gates))
        hits = self.judge(replies)
        if conf().NEAR and hits:
            for gate, generation in zip(self.lookup.gates, self.generation, strict=True):
                if generation:
                    hits.append((gate, generation, float("inf"), GATE_BYTES))
            near.keep(ticket, hits)

    def judge(self, replies: list[Reply]) -> list[tuple[str, Any, float, int]]:
        """Sort the replies to a look into hits, which it returns, and what is still missing."""
        shelf = self.lookup.shelf
        hits: list[tuple[str, Any, float, int]] = []
        self.generation = [gates.generation(reply) for reply in replies[-1]]
        common = replies[-1][shelf.behind(self.lookup, absent=False)]
        self.closed = any(map(gates.is_closed, common))
        missing = []
        for key, reply in zip(self.missing, replies, strict=False):
            try:
                found = shelf.decode(reply)
            except Undecodable as error:
                if not self.token:  # the second look meets it again
                    stats.count(shelf.kind, "undecodable")
                self.reason = f"undecodable: {error}"
                found = None
            if found and found.generation == self.current(found.value):
                self.values[key] = found.value
                hits.append((key, found, found.expires, found.plain_bytes or found.bytes))
                self.tell(key, "hit", found)
            else:
                missing.append(key)
        self.missing = missing
        return hits

    def current(self, value: Any) -> tuple[str | None, ...]:
        """The generation that an entry of this value must carry; has None behind a closed gate."""
        return tuple(self.generation[self.lookup.shelf.behind(self.lookup, value is None)])

    def claim(self) -> dict[str, str]:
        """Open missing gates, ask for the leases, look again. One round trip.

        Returns who holds the lease of each key that was missing.
        """
        lookup, token = self.lookup, self.token
        admits = [
            gates.admit(gate)
            for gate, open_in in zip(lookup.gates, self.generation, strict=True)
            if open_in is None
        ]
        asked = self.missing
        claims = [lease.claim(key, token) for key in asked]
        looks = [*map(lookup.shelf.read, asked), ("MGET", *lookup.gates)]
        replies = client.call(*admits, *claims, *looks)
        self.judge(replies[len(admits) + len(claims) :])
        holders = map(lease.holder, replies[len(admits) :])
        held = dict(zip(asked, holders, strict=False))
        self.forgo([key for key in asked if held[key] == token and key not in self.missing])
        return held

    def claim_and_fill(self) -> None:
        self.token = gates.token()
        give_up = time.monotonic() + conf().LEASE_WAIT
        pause = FIRST_PAUSE
        held = self.claim()
        while self.missing:
            mine = [key for key in self.missing if held[key] == self.token]
            others = [held[key] not in (lease.NOBODY, self.token) for key in self.missing]
            if mine or self.closed or not all(others):
                # Whatever is left is loaded at once: waiting with leases in hand can deadlock.
                return self.load_and_fill(mine)
            if time.monotonic() > give_up:
                stats.count("lease", "gave up")
                return self.load("miss", "another caller was loading it for too long")
            stats.count("lease", "waited")
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)
            held = self.claim()
        return None

    def load_and_fill(self, mine: list[str]) -> None:
        try:
            loaded, load_ms = self.load_values()
        except BaseException:
            self.forgo(mine)
            raise
        commands: dict[str, Command] = {}
        for key in mine:
            found = self.filling(key, loaded[key], load_ms)
            if found is None:
                continue
            try:
                commands[key] = self.lookup.shelf.fill(
                    self.lookup, key, self.token, self.expiry(found), found
                )
            except Unencodable as error:
                stats.count(self.lookup.shelf.kind, "unencodable")
                self.reason = f"not stored: {error}"
        self.forgo([key for key in mine if key not in commands])
        if commands:
            started = time.perf_counter()
            try:
                replies = client.call(*commands.values())
                stats.spent("fill", time.perf_counter() - started)
                stored = sum(1 for reply in replies if reply == 1)
                stats.count("fill", "stored", stored)
                stats.count("fill", "outlived its lease", len(replies) - stored)
            except Unavailable as error:
                self.reason = f"not stored: {error}"
        self.give(loaded, "miss", self.reason, load_ms)

    def filling(self, key: str, value: Any, load_ms: float) -> Found | None:
        """What to store, None where a write is in flight."""
        generation = self.current(value)
        if None in generation:
            self.reason = WRITING
            return None
        if self.lookup.expire_at:
            expires = self.lookup.expire_at.timestamp()
        else:
            ttl, jitter = self.lookup.ttl or conf().TTL, conf().JITTER
            if value is None:
                ttl = min(ttl, conf().ABSENT_TTL)
            expires = time.time() + ttl * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311
        return Found(value, generation, expires, 0, load_ms)  # type: ignore[arg-type]

    def expiry(self, found: Found) -> tuple[str, int]:
        if self.lookup.expire_at:
            return "PEXPIREAT", round(found.expires * 1000)
        return "PEXPIRE", max(1, round((found.expires - time.time()) * 1000))

    def forgo(self, spare: list[str]) -> None:
        """Give leases back unused, so that nobody waits for them."""
        try:
            if spare:
                client.call(*(lease.release(key, self.token) for key in spare))
        except Unavailable:
            return  # they expire

    # --- the database

    def load_values(self) -> tuple[dict[str, Any], float]:
        started = time.perf_counter()
        loaded = self.loader(self.missing)
        seconds = time.perf_counter() - started
        stats.count("load", "done")
        stats.spent("load", seconds)
        return loaded, seconds * 1000 / len(self.missing)

    def load(self, outcome: Outcome, reason: str) -> None:
        loaded, load_ms = self.load_values()
        self.give(loaded, outcome, reason, load_ms)

    # --- what came of it

    def give(self, loaded: dict[str, Any], outcome: Outcome, reason: str, load_ms: float) -> None:
        self.reason = reason
        for key in self.missing:
            self.values[key] = loaded[key]
            self.tell(key, outcome, load_ms=load_ms)
        self.missing = []

    def tell(
        self,
        key: str,
        outcome: Outcome,
        found: Found | None = None,
        *,
        tier: Tier = "redis",
        load_ms: float | None = None,
    ) -> None:
        stats.count(self.lookup.shelf.kind, "near hit" if tier == "near" else outcome)
        if not fetched.receivers:
            return
        event = Fetch(
            kind=self.lookup.shelf.kind,
            key=key,
            sql=self.lookup.sql,
            tables=self.lookup.tables,
            outcome=outcome,
            tier=tier if outcome == "hit" else "database",
            # Of a batch, each key's share.
            ms=(time.perf_counter() - self.started) * 1000 / len(self.lookup.keys),
            reason="" if outcome == "hit" else self.reason,
            ttl=max(0.0, found.expires - time.time()) if found else None,
            bytes=found.bytes if found else None,
            load_ms=found.load_ms if found else load_ms,
        )
        fetched.send(Reading, event=event)
