"""What stands behind gates that are known before it is looked for: queries and records."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..conf import conf
from ..events import Kind
from ..storage import gates, keys
from ..storage.near import near
from ..storage.places import primary
from ..storage.wire import Command, Reply
from . import causes, dependencies
from .causes import Cause
from .dependencies import Tracker
from .envelope import Undecodable
from .lookup import Found, Generations, Loaded, Lookup, Seen

GATE_BYTES = 65  # of a generation's token, in memory

WRITING = "a write to its tables is in flight"


class GatedShelf:
    """The part that the shelves of queries and of records share."""

    kind: Kind
    of_value = of_absence = slice(None)  # which of a lookup's gates each stands behind
    only_absences = False

    # --- what each of them has of its own

    def read(self, key: str) -> Command:
        """The command that asks for one entry."""
        raise NotImplementedError

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        """What lies under a key; None where there is nothing. Raises Undecodable."""
        raise NotImplementedError

    def weigh(self, key: str, found: Found) -> int:
        """The bytes that it takes in memory, where the near tier keeps it under this key."""
        raise NotImplementedError

    # --- looking

    def near(self, lookup: Lookup) -> Seen | None:
        kept = near.look(lookup.gates + lookup.keys)
        if kept is None:
            return None
        generations = tuple(kept[: len(lookup.gates)])
        hits = dict(zip(lookup.keys, kept[len(lookup.gates) :], strict=True))
        for found in hits.values():
            if found is None or not self.is_current(lookup, generations, found):
                return None
        return Seen(hits, (), generations)

    def look(self, lookup: Lookup, wanted: Sequence[str]) -> list[Command]:
        return [*map(self.read, wanted), ("MGET", *lookup.gates)]

    def sort(self, lookup: Lookup, replies: list[Reply]) -> tuple[Sequence[Reply], list[Reply]]:
        """What was replied of the entries, and of the gates."""
        return replies, replies[-1]

    def judge(
        self, lookup: Lookup, wanted: Sequence[str], asked: Sequence[Command], replies: list[Reply]
    ) -> Seen:
        entries, standing = self.sort(lookup, replies)
        generations = tuple(map(gates.generation, standing))
        hits, missing, unreadable, stale = {}, [], {}, {}
        for key, reply in zip(wanted, entries, strict=False):
            try:
                found = self.decode(lookup, key, reply)
            except Undecodable as error:
                unreadable[key] = f"undecodable: {error}"
                found = None
            if found and self.is_current(lookup, generations, found):
                hits[key] = found
            else:
                missing.append(key)
                if found:
                    stale[key] = self.why_stale(lookup, generations, standing, found)
        if not missing:
            return Seen(hits, (), generations)
        closed = any(map(gates.is_closed, standing[self.of_value]))
        barred = WRITING if closed else ""
        positions = tuple(map(gates.position, standing)) if primary(lookup.alias) else ()
        return Seen(hits, tuple(missing), generations, barred, unreadable, stale, positions)

    def is_current(self, lookup: Lookup, generations: Generations, found: Found) -> bool:
        """All gates are open, in the generation that it was filled under; it is young enough."""
        if found.generation != self.generation(lookup, generations, found.value):
            return False
        if found.schema != lookup.schema:
            return False  # kept near, for a database of the same name or in another time zone
        # What was given no longer to live is young enough, whatever the clock of its filler says.
        age = lookup.max_age
        if age is None or found.expires - found.filled <= age:
            return True
        return time.time() - found.filled <= age

    def why_stale(
        self, lookup: Lookup, generations: Generations, standing: list[Reply], found: Found
    ) -> Cause:
        """Why is_current() says no."""
        now = self.generation(lookup, generations, found.value)
        names = lookup.gates[self.of_absence if found.value is None else self.of_value]
        closed = {
            g for g, reply in zip(lookup.gates, standing, strict=True) if gates.is_closed(reply)
        }
        told = zip(names, found.generation, now, strict=False)
        cause = causes.of_gates(told, closed) or causes.TOO_OLD
        return cause._replace(filled=found.filled)

    def tables(self, lookup: Lookup, value: Any) -> tuple[str, ...]:
        return lookup.tables

    def records(self, value: Any) -> tuple[str, ...]:
        return ()

    def generation(self, lookup: Lookup, generations: Generations, value: Any) -> Generations:
        """What an entry of this value must carry; has None behind a closed gate."""
        return generations[self.of_absence if value is None else self.of_value]

    def keep(self, lookup: Lookup, ticket: int, seen: Seen) -> None:
        slots: list[tuple[str, Any, float, int]] = [
            (key, found, found.expires, self.weigh(key, found)) for key, found in seen.hits.items()
        ]
        for gate, generation in zip(lookup.gates, seen.generations, strict=True):
            if generation:
                slots.append((gate, generation, float("inf"), GATE_BYTES))
        near.keep(ticket, slots)

    def may_be_late(self, lookup: Lookup, seen: Seen, found: Found) -> bool:
        """Not all of the database was invalidated since."""
        behind = self.of_absence if found.value is None else self.of_value
        names, now = lookup.gates[behind], seen.generations[behind]
        return len(found.generation) == len(names) and all(
            had == is_ for name, had, is_ in zip(names, found.generation, now, strict=True)
            if keys.is_database_gate(name)
        )  # fmt: skip

    # --- filling

    def admit(self, lookup: Lookup, seen: Seen) -> list[Command]:
        return [
            gates.admit(gate)
            for gate, generation in zip(lookup.gates, seen.generations, strict=True)
            if generation is None
        ]

    def ttl(self, lookup: Lookup, value: Any) -> float:
        ttl = lookup.ttl or conf().TTL
        return min(ttl, conf().ABSENT_TTL) if value is None else ttl

    def refuse(self, lookup: Lookup, seen: Seen, value: Any) -> str:
        return WRITING if None in self.generation(lookup, seen.generations, value) else ""

    # --- being a part of something computed

    def note(self, lookup: Lookup, seen: Seen, loaded: Loaded, stored: Mapping[str, str]) -> None:
        tracker = dependencies.tracker()
        if tracker is None:
            return
        tracker.tables.update(lookup.tables)
        tracker.fetched.append(lookup)
        for key in lookup.keys:
            found = seen.hits.get(key)
            value = found.value if found else loaded.values[key]
            behind = self.of_absence if value is None else self.of_value
            # Of a batch, hits may be of an older look than what was loaded.
            generations = found.generation if found else seen.generations[behind]
            tracker.note_gates(dict(zip(lookup.gates[behind], generations, strict=True)))
            if value is not None:
                self.note_entry(
                    tracker, lookup, seen, key, found.token if found else stored.get(key)
                )

    def note_entry(
        self, tracker: Tracker, lookup: Lookup, seen: Seen, key: str, token: str | None
    ) -> None:
        """What one entry that lies in Redis under a token (None: does not) adds to its gates."""
