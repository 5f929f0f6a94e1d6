"""Pages, fragments and values: entries that were computed, and what proves that they are current.

An entry names its dependencies: gates, each with the generation that it had, and records, each with
the token that it was filled under. It is current while all gates are open in that generation and
all records lie there under that token. The process remembers which dependencies a key had last
time, and asks for them in the same round trip as for the entry; where the entry names others, one
more round trip asks for those.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS

from ..conf import conf
from ..events import Kind
from ..storage import gates, keys, leases
from ..storage.client import client
from ..storage.near import near
from ..storage.wire import Command, Reply
from . import path
from .dependencies import CLOSED, TWICE, Dependencies, Tracker, tracker, tracking
from .envelope import Undecodable, unwrap, wrap
from .gated import GATE_BYTES
from .lookup import ANY, Forbidden, Found, Generations, Loaded, Lookup, Seen
from .permission import forbidden_to
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
    mark: str = ""  # what tells this payload from another without reading it: a page's ETag
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
    mark: str
    payload: msgspec.Raw


class Remembered(NamedTuple):
    """What this process knows of a key's entry without asking for it again."""

    dependencies: Dependencies
    mark: str
    expires: float


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

    # --- looking

    def look(self, lookup: Lookup, keys: Sequence[str]) -> list[Command]:
        (key,) = keys
        known = self._known.get(key)
        return [("GET", key), *_ask(lookup, known.dependencies if known else NOTHING)]

    def judge(
        self, lookup: Lookup, keys: Sequence[str], asked: Sequence[Command], replies: list[Reply]
    ) -> Seen:
        (key,) = keys
        standing = _standing(asked[1:], replies[1:])
        # What was refused last time is made by everybody at once: none waits for another's fill.
        missing = Seen({}, (key,), _own(lookup, standing), self._refused.get(key) or "")
        try:
            found = self.decode(lookup, key, replies[0])
        except Undecodable as error:
            return missing._replace(unreadable={key: f"undecodable: {error}"})
        if found is None:
            return missing
        needed: Dependencies = found.value.dependencies
        if not standing.is_known(needed):
            standing = _ask_now(lookup, needed)
            missing = missing._replace(generations=_own(lookup, standing))
        self._known.put(key, Remembered(needed, found.value.mark, found.expires))
        if not standing.proves(needed):
            barred = missing.barred or (CLOSED if standing.closed else "")
            return missing._replace(barred=barred)
        if lookup.max_age is not None and time.time() - found.filled > lookup.max_age:
            return missing
        if reason := forbidden_to(needed.gates, needed.records):
            raise Forbidden(reason)
        return Seen({key: found}, (), missing.generations)

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        """What lies under a key; None where there is nothing. Raises Undecodable."""
        if reply is None:
            return None
        body = unwrap(key, reply, max_bytes=conf().MAX_BYTES)
        try:
            entry = _decoder.decode(body)
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

    def proves(self, lookup: Lookup, mark: str) -> bool:
        """Whether the entry that had this mark is current, without reading it. One round trip.

        Raises Unavailable.
        """
        (key,) = lookup.keys
        known = self._known.get(key)
        if known is None or known.mark != mark or known.expires < time.time():
            return False
        needed = known.dependencies
        return _ask_now(lookup, needed).proves(needed) and not forbidden_to(
            needed.gates, needed.records
        )

    def made(self, key: str, made: Made) -> dict[str, Made]:
        """What a load gives: remembered, where it was refused, until it is so no more."""
        if made.refusal or key in self._refused:
            self._refused.put(key, made.refusal)
        return {key: made}

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
            mark=made.mark,
            payload=msgspec.Raw(self._encode(made.payload)),
        )
        value = wrap(
            key, _encoder.encode(entry),
            compress_above=conf().COMPRESS_ABOVE, max_bytes=conf().MAX_BYTES,
        )  # fmt: skip
        needed = Dependencies(entry.gates, entry.records)
        self._known.put(key, Remembered(needed, made.mark, found.expires))
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


def _ask(lookup: Lookup, needed: Dependencies) -> list[Command]:
    """The commands that ask how these gates and records stand."""
    names = dict.fromkeys((*lookup.gates, *needed.gates))
    return [("MGET", *names), *(ask_token(record) for record in needed.records)]


class Standing(NamedTuple):
    """How gates and records stand: their tokens, None where closed or absent."""

    tokens: dict[str, str | None]
    closed: bool  # a write is in flight at one of the gates

    def is_known(self, needed: Dependencies) -> bool:
        """All of these were asked for."""
        return needed.gates.keys() <= self.tokens.keys() >= needed.records.keys()

    def proves(self, needed: Dependencies) -> bool:
        """All of these are as they were."""
        tokens = self.tokens
        return all(tokens.get(gate) == had for gate, had in needed.gates.items()) and all(
            tokens.get(record) == had for record, had in needed.records.items()
        )


def _standing(asked: Sequence[Command], replies: Sequence[Reply]) -> Standing:
    """The replies to what _ask made. By now it may make something else: other threads learn."""
    (_, *names), records = asked[0], [command[1] for command in asked[1:]]
    tokens = dict(zip(names, map(gates.generation, replies[0]), strict=True))
    tokens.update(zip(records, map(read_token, replies[1:]), strict=True))
    return Standing(tokens, any(map(gates.is_closed, replies[0])))


def _ask_now(lookup: Lookup, needed: Dependencies) -> Standing:
    """One round trip. Raises Unavailable."""
    asked = _ask(lookup, needed)
    return _standing(asked, client.ask(*asked))


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
    )


def made_by(
    heard: Tracker,
    payload: Any,
    *,
    refusal: str = "",
    mark: str = "",
    ttl: float | None = None,
) -> Made:
    """What was computed while `heard` was listening."""
    reason = heard.refusal or refusal
    return Made(payload, heard.found(), tuple(sorted(heard.tables)), reason, mark, ttl)


def peek(lookup: Lookup) -> Found | None:
    """What is there and current, for who would not fill it. Raises Unavailable, Forbidden."""
    seen = path.look_near(lookup) or path.look(lookup)
    return seen.hits.get(lookup.keys[0])


def fetch(lookup: Lookup, make: Callable[[Tracker], Made]) -> Any:
    """The payload under the lookup's key, made where it is not there or not current."""

    shelf: Any = lookup.shelf

    def load(wanted: Sequence[str]) -> dict[str, Made]:
        with tracking() as heard:
            return shelf.made(wanted[0], make(heard))

    return path.fetch(lookup, load)[lookup.keys[0]].payload


async def afetch(lookup: Lookup, make: Callable[[Tracker], Awaitable[Made]]) -> Any:
    """`fetch` for async code: what waits for Redis does so in a thread."""
    (key,) = lookup.keys
    begun = await sync_to_async(path.begin)(lookup)
    if key in begun.claimed.seen.hits:
        return path.end(lookup, begun, path.NOTHING_LOADED)[key].payload
    started = time.perf_counter()
    try:
        with tracking() as heard:
            made = await make(heard)
    except BaseException:
        await sync_to_async(path.release)(list(begun.claimed.mine), begun.claimed.token)
        raise
    shelf: Any = lookup.shelf
    loaded = path.timed(shelf.made(key, made), begun.claimed, started)
    return (await sync_to_async(path.end)(lookup, begun, loaded))[key].payload
