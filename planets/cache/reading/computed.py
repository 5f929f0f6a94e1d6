"""Pages, fragments and values: entries that were computed, and what proves that they are current.

An entry names its dependencies: gates, each with the generation that it had, and records, each with
the token that it was filled under. It is current while all gates are open in that generation and
all records lie there under that token. The process remembers which dependencies a key had last
time, and asks for them in the same round trip as for the entry; where the entry names others, one
more round trip asks for those.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS

from ..conf import conf
from ..events import Kind, Tier
from ..storage import gates, keys, leases
from ..storage.client import client
from ..storage.near import near
from ..storage.wire import Command, Reply
from . import causes, path
from .dependencies import CLOSED, TWICE, Dependencies, Tracker, tracker, tracking
from .envelope import HEAD, Undecodable, unwrap, wrap
from .gated import GATE_BYTES
from .lookup import (
    ANY,
    Claim,
    Forbidden,
    Found,
    Generations,
    Loaded,
    Lookup,
    Seen,
    oldest,
)
from .permission import forbidden, forbidden_to, unheard
from .recent import Recent
from .record_format import ask_token, read_token
from .weight import of_tree

MAX_REMEMBERED = 8192  # keys whose dependencies a process remembers


class Made(NamedTuple):
    """What was computed: a payload for msgpack, what it depends on, and whether it may be kept."""

    payload: Any
    dependencies: Dependencies
    tables: tuple[str, ...] = ()
    refusal: str = ""
    # What is told of this payload without reading it: the headers of a page's 304, by name.
    mark: Mapping[str, str] = {}
    ttl: float | None = None  # seconds, where not the lookup's


class Entry(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A computed value as it is stored."""

    gates: dict[str, str]
    records: dict[str, str]
    filled: float  # Unix time
    expires: float  # Unix time
    load_ms: float
    tables: tuple[str, ...]
    name: str
    mark: dict[str, str]
    payload: msgspec.Raw


class Remembered(NamedTuple):
    """What this process knows of a key's entry without asking for it again."""

    found: Found  # without its payload
    head: bytes  # of its bytes: holds their seal, which tells it from every other entry

    @property
    def dependencies(self) -> Dependencies:
        needed: Dependencies = self.found.value.dependencies
        return needed

    @property
    def mark(self) -> Mapping[str, str]:
        told: Mapping[str, str] = self.found.value.mark
        return told


class ComputedShelf:
    """A string for each computed value. `encode` and `decode` are of its payload.

    They raise Unencodable and Undecodable.
    """

    def __init__(
        self, kind: Kind, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]
    ) -> None:
        self.kind: Kind = kind
        self._encode, self._decode = encode, decode
        self._known: Recent[str, Remembered] = Recent(MAX_REMEMBERED)
        self._refused: Recent[str, str] = Recent(MAX_REMEMBERED)
        # What this thread's look asked for: by its judge another thread may have learned otherwise.
        self._asked = threading.local()

    # --- looking

    def look(self, lookup: Lookup, keys: Sequence[str]) -> list[Command]:
        (key,) = keys
        known = self._asked.known = self._known.get(key)
        return [("GET", key), *_ask(lookup, known.dependencies if known else NOTHING)]

    def judge(self, lookup: Lookup, keys: Sequence[str], replies: list[Reply]) -> Seen:
        (key,) = keys
        known: Remembered | None = self._asked.known
        standing = _standing(lookup, known.dependencies if known else NOTHING, replies[1:])
        # What was refused last time is made by everybody at once: none waits for another's fill.
        missing = Seen({}, (key,), _own(lookup, standing), self._barred(key))
        try:
            found = self.decode(lookup, key, replies[0])
        except Undecodable as error:
            return missing._replace(unreadable={key: f"undecodable: {error}"})
        if found is None:
            return missing
        needed: Dependencies = found.value.dependencies
        if not standing.is_known(needed):
            standing = _standing(lookup, needed, client.call(*_ask(lookup, needed)))
            missing = missing._replace(generations=_own(lookup, standing))
        if known is None or known.head != replies[0][:HEAD]:
            self._remember(key, found, replies[0])
        if not standing.proves(needed):
            barred = missing.barred or (CLOSED if standing.closed else "")
            return missing._replace(barred=barred, stale={key: standing.differs(needed)})
        if lookup.max_age is not None and time.time() - found.filled > lookup.max_age:
            return missing._replace(stale={key: causes.TOO_OLD})
        if reason := forbidden_to(needed.gates, needed.records):
            raise Forbidden(reason)
        return Seen({key: found}, (), missing.generations)

    def _barred(self, key: str) -> str:
        refused = self._refused.get(key)
        return f"the one before was refused: {refused}" if refused else ""

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        """What lies under a key; None where there is nothing. Raises Undecodable."""
        if reply is None:
            return None
        entry = entry_of(key, reply)
        try:
            payload = self._decode(bytes(entry.payload))
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as error:
            raise Undecodable(str(error)) from error
        made = Made(
            payload, Dependencies(entry.gates, entry.records), entry.tables, mark=entry.mark
        )
        return Found(
            made, tuple(entry.gates.values()), entry.expires, len(reply), entry.load_ms,
            entry.filled,
        )  # fmt: skip

    def marked(self, lookup: Lookup) -> Mapping[str, str]:
        """The mark of the entry that this process met last; what is current, `proves` says."""
        known = self._known.get(lookup.keys[0])
        return known.mark if known and known.found.expires > time.time() else {}

    def current(self, lookup: Lookup, mark: Mapping[str, str]) -> Found | None:
        """The entry of this mark, without its payload, where it lies in Redis and is current.

        It is not read again. One round trip. Raises Unavailable.
        """
        (key,) = lookup.keys
        known = self._known.get(key)
        if known is None or known.mark != mark or known.found.expires < time.time():
            return None
        needed = known.dependencies
        head, *replies = client.call(("GETRANGE", key, 0, HEAD - 1), *_ask(lookup, needed))
        if head != known.head or not _standing(lookup, needed, replies).proves(needed):
            return None
        return None if forbidden_to(needed.gates, needed.records) else known.found

    def _remember(self, key: str, found: Found, data: bytes) -> None:
        made: Made = found.value._replace(payload=None)
        self._known.put(key, Remembered(found._replace(value=made, bytes=len(data)), data[:HEAD]))

    def made(self, key: str, made: Made) -> dict[str, Made]:
        """What a load gives: remembered, where it was refused, until it is so no more."""
        if made.refusal or key in self._refused:
            self._refused.put(key, made.refusal)
        return {key: made}

    # --- telling

    def tables(self, lookup: Lookup, value: Made | None) -> tuple[str, ...]:
        return value.tables if value else lookup.tables

    def records(self, value: Made | None) -> tuple[str, ...]:
        return tuple(sorted(value.dependencies.records)) if value else ()

    # --- near

    def near(self, lookup: Lookup) -> Seen | None:
        (key,) = lookup.keys
        known = self._known.get(key)
        if known is None:
            return None
        needed = known.dependencies
        kept = near.look((key, *needed.gates, *map(near.token_slot, needed.records)))
        if kept is None or kept[0] is None:
            return None
        found, *tokens = kept
        if found.value.dependencies != needed or tokens != [
            *needed.gates.values(), *needed.records.values()
        ]:  # fmt: skip
            return None
        if lookup.max_age is not None and time.time() - found.filled > lookup.max_age:
            return None
        return None if forbidden_to(needed.gates, needed.records) else Seen({key: found}, ())

    def keep(self, lookup: Lookup, ticket: int, seen: Seen) -> None:
        for key, found in seen.hits.items():
            needed: Dependencies = found.value.dependencies
            for_ever = float("inf")
            near.keep(
                ticket,
                [
                    (key, found, found.expires, of_tree(found)),
                    *((gate, token, for_ever, GATE_BYTES) for gate, token in needed.gates.items()),
                    *(
                        (near.token_slot(record), token, for_ever, GATE_BYTES)
                        for record, token in needed.records.items()
                    ),
                ],
            )

    # --- filling

    def admit(self, lookup: Lookup, seen: Seen) -> list[Command]:
        return [
            gates.admit(gate)
            for gate, generation in zip(lookup.gates, seen.generations, strict=True)
            if generation is None
        ]

    def ttl(self, lookup: Lookup, value: Made) -> float:
        return value.ttl or lookup.ttl or conf().TTL

    def refuse(self, lookup: Lookup, seen: Seen, value: Made) -> str:
        if value.refusal:
            return value.refusal
        if None in seen.generations:
            return CLOSED
        own = zip(lookup.gates, seen.generations, strict=True)
        return TWICE if any(value.dependencies.gates.get(g, had) != had for g, had in own) else ""

    def generation(self, lookup: Lookup, generations: Generations, value: Made) -> Generations:
        return generations

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: tuple[str, int], found: Found
    ) -> Command:
        made: Made = found.value
        own = dict(zip(lookup.gates, found.generation, strict=True))
        entry = Entry(
            gates={**own, **made.dependencies.gates},
            records=made.dependencies.records,
            filled=found.filled,
            expires=found.expires,
            load_ms=found.load_ms or 0.0,
            tables=made.tables,
            name=lookup.sql,
            mark=dict(made.mark),
            payload=msgspec.Raw(self._encode(made.payload)),
        )
        value = wrap(
            key, _encoder.encode(entry),
            compress_above=conf().COMPRESS_ABOVE, max_bytes=conf().MAX_BYTES,
        )  # fmt: skip
        needed = Dependencies(entry.gates, entry.records)
        self._remember(key, found._replace(value=made._replace(dependencies=needed)), value)
        return leases.fill("fill_string", key, token, expiry, value)

    def note(self, lookup: Lookup, seen: Seen, loaded: Loaded, stored: Mapping[str, str]) -> None:
        outer = tracker()
        (key,) = lookup.keys
        made: Made = seen.hits[key].value if key in seen.hits else loaded.values[key]
        if outer is not None:
            outer.note_all(made.dependencies, made.tables)
            if made.refusal:
                outer.refuse(made.refusal)


NOTHING = Dependencies({}, {})

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def entry_of(key: str, data: object) -> Entry:
    """The entry that lies under a key; its payload is not decoded. Raises Undecodable."""
    body = unwrap(key, data, max_bytes=conf().MAX_BYTES)
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error


def _ask(lookup: Lookup, needed: Dependencies) -> list[Command]:
    """The commands that ask how these gates and records stand."""
    names = dict.fromkeys((*lookup.gates, *needed.gates))
    return [("MGET", *names), *(ask_token(record) for record in needed.records)]


class Standing(NamedTuple):
    """How gates and records stand: their tokens, None where closed or absent."""

    tokens: dict[str, str | None]
    closed: frozenset[str]  # gates at which a write is in flight

    def is_known(self, needed: Dependencies) -> bool:
        """All of these were asked for."""
        return needed.gates.keys() <= self.tokens.keys() >= needed.records.keys()

    def proves(self, needed: Dependencies) -> bool:
        """All of these are as they were."""
        tokens = self.tokens
        return all(tokens.get(gate) == had for gate, had in needed.gates.items()) and all(
            tokens.get(record) == had for record, had in needed.records.items()
        )

    def differs(self, needed: Dependencies) -> str:
        """What of these is not as it was, in words; "" where all of it is."""
        tokens = self.tokens
        told = ((gate, had, tokens.get(gate)) for gate, had in needed.gates.items())
        return causes.of_gates(told, self.closed) or next(
            (
                causes.of_record(record, tokens.get(record))
                for record, had in needed.records.items()
                if tokens.get(record) != had
            ),
            "",
        )


def _standing(lookup: Lookup, needed: Dependencies, replies: list[Reply]) -> Standing:
    """The replies to _ask."""
    names = dict.fromkeys((*lookup.gates, *needed.gates))
    tokens = dict(zip(names, map(gates.generation, replies[0]), strict=True))
    tokens.update(zip(needed.records, map(read_token, replies[1:]), strict=False))
    closed = (name for name, reply in zip(names, replies[0], strict=True) if gates.is_closed(reply))
    return Standing(tokens, frozenset(closed))


def _own(lookup: Lookup, standing: Standing) -> Generations:
    """The generations of the lookup's own gates."""
    return tuple(standing.tokens[gate] for gate in lookup.gates)


# --- fetching


def lookup_of(shelf: ComputedShelf, key: str, name: str, ttl: float | None = None) -> Lookup:
    """Where a computed value belongs.

    All stand behind the gate of the default database, whatever they read, so that what makes
    everything unreachable reaches them, too.
    """
    return Lookup(
        shelf=shelf,
        alias=ANY,
        keys=(key,),
        gates=(keys.database_gate(DEFAULT_DB_ALIAS),),
        tables=(),
        sql=name,
        ttl=ttl,
        max_age=None if ttl is None else oldest(ttl),
    )


def made_by(
    heard: Tracker,
    payload: Any,
    *,
    refusal: str = "",
    mark: Mapping[str, str] | None = None,
    ttl: float | None = None,
) -> Made:
    """What was computed while `heard` was listening."""
    reason = heard.refusal or refusal or unheard()
    return Made(payload, heard.found(), tuple(sorted(heard.tables)), reason, mark or {}, ttl)


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
    begun = path.Begun(Claim(seen), "miss", tier, "", started)
    made: Made = path.report(lookup, seen, path.NOTHING_LOADED, begun, "")[lookup.keys[0]]
    return made


def fetch(lookup: Lookup, make: Callable[[Tracker], Made]) -> Any:
    """The payload under the lookup's key, made where it is not there or not current."""
    (key,) = lookup.keys
    begun = path.begin(lookup)
    shelf: Any = lookup.shelf

    def load(wanted: Sequence[str]) -> dict[str, Made]:
        if begun.outcome != "miss":
            return {key: make(Tracker())}  # not to be stored: who listens already hears it all
        with tracking() as heard:
            return shelf.made(key, make(heard))

    missing = begun.claimed.seen.missing
    loaded = path.load_missing(load, begun) if missing else path.NOTHING_LOADED
    return path.end(lookup, begun, loaded)[key].payload


def _next(steps: Generator[float, None, path.Begun]) -> float | path.Begun:
    try:
        return next(steps)
    except StopIteration as done:  # which no future can raise
        begun: path.Begun = done.value
        return begun


async def afetch(lookup: Lookup, make: Callable[[Tracker], Awaitable[Made]]) -> Any:
    """`fetch` for async code: what waits for Redis does so in a thread."""
    (key,) = lookup.keys
    steps = path.beginning(lookup)
    while not isinstance(step := await sync_to_async(_next)(steps), path.Begun):
        # Not in the thread: who holds the lease may need that thread to load.
        await asyncio.sleep(step)
    begun = step
    if key in begun.claimed.seen.hits:
        return path.end(lookup, begun, path.NOTHING_LOADED)[key].payload
    shelf: Any = lookup.shelf
    started = time.perf_counter()
    try:
        if begun.outcome != "miss":
            values = {key: await make(Tracker())}
        else:
            with tracking() as heard:
                values = shelf.made(key, await make(heard))
    except BaseException:
        # A task that is cancelled may not wait again, and nobody else would give it back.
        mine = list(begun.claimed.mine)
        await asyncio.shield(sync_to_async(path.release)(mine, begun.claimed.token))
        raise
    loaded = path.timed(values, begun.claimed, started)
    return (await sync_to_async(path.end)(lookup, begun, loaded))[key].payload
