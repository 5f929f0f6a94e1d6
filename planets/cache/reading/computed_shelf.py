"""Pages, fragments and values: entries that were computed, and what proves that they are current.

An entry names its dependencies: gates, each with the generation that it had, and records, each with
the token that it was filled under. It is current while all gates are open in that generation and
all records lie there under that token. The process remembers which dependencies a key had last
time, and asks for them in the same round trip as for the entry (known.py); where the entry names
others, one more round trip asks for those.

What a process has served twice it keeps, within KEPT_BYTES, and asks for its head alone: that holds
the seal, which no other entry has. So what is kept is as fresh as what is sent whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from ..conf import conf
from ..events import Kind
from ..recent import Recent
from ..storage import gates, leases
from ..storage.client import client
from ..storage.keys import is_database_gate
from ..storage.near import near
from ..storage.wire import Command, Reply
from . import causes
from .ahead import Ahead
from .computed_format import Entry, Made, entry_of
from .dependencies import CLOSED, TWICE, Dependencies, tracker
from .envelope import HEAD, Undecodable, wrap
from .gated import GATE_BYTES
from .known import SHORT, Kept, Remembered, ask_whole, is_brief, remembered, sort
from .lookup import Forbidden, Found, Generations, Loaded, Lookup, Seen
from .permission import forbidden_to, written_here
from .proof import NOTHING, Standing, ask_now, own_generations, standing_of
from .sight import FIRST_SIGHT, is_first
from .weight import of_tree

MAX_REMEMBERED = 8192  # keys whose dependencies a process remembers
KEPT_BYTES = 4_194_304  # of what a process has served twice, for each kind

LATE = "something that it was made of was served late"

_encoder = msgspec.msgpack.Encoder()


class ComputedShelf:
    """A string for each computed value. `encode` and `decode` are of its payload.

    They raise Unencodable and Undecodable.
    """

    only_absences = False

    def __init__(
        self, kind: Kind, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]
    ) -> None:
        self.kind: Kind = kind
        self._encode, self._decode = encode, decode
        self._known: Recent[str, Remembered] = Recent(MAX_REMEMBERED)
        self._kept: Recent[str, Kept] = Recent(KEPT_BYTES)
        self._refused: Recent[str, str] = Recent(MAX_REMEMBERED)

    # --- looking

    def read(self, key: str) -> Command:
        return ("GET", key)

    def look(self, lookup: Lookup, keys: Sequence[str]) -> list[Command]:
        (key,) = keys
        known = self._known.get(key)
        if known is None or known.own != lookup.gates:
            return ask_whole(key, lookup.gates, NOTHING)
        # Of an entry that was filled anew here the bytes that are kept are those of the one before.
        kept = self._kept.get(key) if known.found.bytes > SHORT else None
        return known.brief if kept is not None and known.head == kept.head else known.whole

    def judge(
        self, lookup: Lookup, keys: Sequence[str], asked: Sequence[Command], replies: list[Reply]
    ) -> Seen:
        (key,) = keys
        reply, told = sort(asked, replies)
        known = self._known.get(key)
        proven = known is not None and known.was_proven(asked, reply, told)
        if known is not None and not proven and known.is_under(reply):
            standing = standing_of(asked, told)
            # What is stale is not read, where that is known without its bytes.
            if standing.is_known(known.dependencies) and (
                seen := self._unproven(lookup, key, known.found, standing)
            ):
                return seen
        try:
            found = self._read(lookup, key, asked, reply)
        except Undecodable as error:
            missing = self._missing(lookup, key, standing_of(asked, told))
            return replace(missing, unreadable={key: f"undecodable: {error}"})
        if found is None or not proven:
            standing = standing_of(asked, told)
            if found is None:
                return self._missing(lookup, key, standing)
            if seen := self._unproven(lookup, key, found, standing):
                return seen
            if known := self._known.get(key):
                known.is_proven(asked, reply, told)
        if lookup.max_age is not None and time.time() - found.filled > lookup.max_age:
            missing = self._missing(lookup, key, standing_of(asked, told))
            return replace(missing, stale={key: causes.TOO_OLD})
        needed: Dependencies = found.value.dependencies
        if reason := written_here(needed.gates, needed.records):
            raise Forbidden(reason)
        return Seen({key: found}, ())

    def _unproven(self, lookup: Lookup, key: str, found: Found, standing: Standing) -> Seen | None:
        """What is seen of an entry that is not current; None where it is. Raises Unavailable."""
        needed: Dependencies = found.value.dependencies
        if not standing.is_known(needed):
            standing = ask_now(lookup, needed)
        if standing.proves(needed):
            return None
        missing = self._missing(lookup, key, standing)
        barred = missing.barred or (CLOSED if standing.closed else "")
        cause = standing.differs(needed)._replace(filled=found.filled)
        ahead = Ahead(lookup, needed.gates, standing.tokens, found.filled)
        return replace(missing, barred=barred, stale={key: cause}, ahead=ahead)

    def _read(
        self, lookup: Lookup, key: str, asked: Sequence[Command], reply: Reply
    ) -> Found | None:
        """What lies under a key, of which the whole or the head was asked for.

        None where there is nothing. Raises Undecodable, Unavailable.
        """
        kept = self._kept.get(key)
        if kept is not None and type(reply) is bytes and kept.head == reply[:HEAD]:
            return kept.found
        if is_brief(asked):
            if reply == b"":
                return None
            (reply,) = client.ask(self.read(key))  # it was filled anew
        found = self.decode(lookup, key, reply)
        if found is not None:
            known = self._known.get(key)
            if known is None or known.head != reply[:HEAD]:
                self._remember(lookup, key, found, reply)
            else:
                self._kept.put(key, Kept(found, known.head), of_tree(found))
        return found

    def _missing(self, lookup: Lookup, key: str, standing: Standing) -> Seen:
        refused = self._refused.get(key)
        # What was refused last time is made by everybody at once: none waits for another's fill.
        was_refused = refused and refused != FIRST_SIGHT
        barred = f"the one before was refused: {refused}" if was_refused else ""
        return Seen({}, (key,), own_generations(lookup, standing), barred)

    def may_be_late(self, lookup: Lookup, seen: Seen, found: Found) -> bool:
        """No database that it was computed from was invalidated as a whole since."""
        needed: Dependencies = found.value.dependencies
        if forbidden_to(needed.gates, needed.records):
            return False
        wholes = {gate: had for gate, had in needed.gates.items() if is_database_gate(gate)}
        now = dict(zip(lookup.gates, seen.generations, strict=True))
        if wholes.keys() <= now.keys():
            return all(now[gate] == had for gate, had in wholes.items())
        asked = Dependencies(wholes, {})
        return ask_now(lookup, asked).proves(asked)

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
        if known is None or known.own != lookup.gates or known.mark != mark:
            return None
        if known.found.expires < time.time():
            return None
        needed = known.dependencies
        asked = known.brief
        head, told = sort(asked, client.ask(*asked))
        if head != known.head or not standing_of(asked, told).proves(needed):
            return None
        return None if written_here(needed.gates, needed.records) else known.found

    def _remember(self, lookup: Lookup, key: str, found: Found, data: bytes) -> None:
        made: Made = found.value._replace(payload=None)
        told = replace(found, value=made, bytes=len(data))
        self._known.put(key, remembered(lookup, key, told, data[:HEAD]))

    def made(self, key: str, made: Made) -> dict[str, Made]:
        """What a load gives: remembered, where it was refused, until it is so no more."""
        if made.rare and not made.refusal and is_first([key]):
            made = made._replace(refusal=FIRST_SIGHT)
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
        kept = near.look(known.slots)
        if kept is None or kept[0] is None or kept[1:] != known.tokens:
            return None
        found, needed = kept[0], known.dependencies
        if found.value.dependencies != needed:
            return None
        if lookup.max_age is not None and time.time() - found.filled > lookup.max_age:
            return None
        return None if written_here(needed.gates, needed.records) else Seen({key: found}, ())

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
        if value.since and not lookup.late.kept:
            return LATE
        if None in seen.generations:
            return CLOSED
        own = zip(lookup.gates, seen.generations, strict=True)
        return TWICE if any(value.dependencies.gates.get(g, had) != had for g, had in own) else ""

    def generation(self, lookup: Lookup, generations: Generations, value: Made) -> Generations:
        return generations

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: leases.Expiry, found: Found
    ) -> Command:
        made: Made = found.value
        own = dict(zip(lookup.gates, found.generation, strict=True))
        entry = Entry(
            gates={**own, **made.dependencies.gates},
            records=made.dependencies.records,
            filled=made.since or found.filled,
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
        if made.rare:
            expiry = expiry._replace(late_ms=0)
        needed = Dependencies(entry.gates, entry.records)
        self._remember(lookup, key, replace(found, value=made._replace(dependencies=needed)), value)
        return leases.fill("fill_string", key, token, expiry, value)

    def note(self, lookup: Lookup, seen: Seen, loaded: Loaded, stored: Mapping[str, str]) -> None:
        outer = tracker()
        (key,) = lookup.keys
        made: Made = seen.hits[key].value if key in seen.hits else loaded.values[key]
        if outer is not None:
            outer.note_all(made.dependencies, made.tables)
            outer.lags(made.since)
            if made.refusal:
                outer.refuse(made.refusal)
