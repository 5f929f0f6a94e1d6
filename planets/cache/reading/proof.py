"""What proves that a computed entry is current: how its gates and records stand now."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

from ..storage import gates
from ..storage.client import client
from ..storage.wire import Command, Reply
from . import causes
from .causes import Cause
from .dependencies import Dependencies
from .lookup import Generations, Lookup
from .record_format import ask_token, read_token

NOTHING = Dependencies({}, {})


class Standing(NamedTuple):
    """How gates and records stand: their tokens, None where closed or absent."""

    tokens: dict[str, str | None]
    closed: Set[str]  # gates at which a write is in flight

    def is_known(self, needed: Dependencies) -> bool:
        """All of these were asked for."""
        return needed.gates.keys() <= self.tokens.keys() >= needed.records.keys()

    def proves(self, needed: Dependencies) -> bool:
        """All of these are as they were."""
        now = self.tokens.items()
        return needed.gates.items() <= now >= needed.records.items()

    def differs(self, needed: Dependencies) -> Cause:
        """What of these is not as it was: there is something, for they prove nothing."""
        tokens = self.tokens
        told = ((gate, had, tokens.get(gate)) for gate, had in needed.gates.items())
        return causes.of_gates(told, self.closed) or next(
            Cause(causes.of_record(record, tokens.get(record)), record)
            for record, had in needed.records.items()
            if tokens.get(record) != had
        )


def ask(lookup: Lookup, needed: Dependencies) -> list[Command]:
    """The commands that ask how these gates and records stand."""
    names = dict.fromkeys((*lookup.gates, *needed.gates))
    return [("MGET", *names), *(ask_token(record) for record in needed.records)]


def standing_of(asked: Sequence[Command], replies: Sequence[Reply]) -> Standing:
    """The replies to what ask() made. By now it may make something else: other threads learn."""
    (_, *names), records = asked[0], [command[1] for command in asked[1:]]
    tokens = dict(zip(names, map(gates.generation, replies[0]), strict=True))
    tokens.update(zip(records, map(read_token, replies[1:]), strict=True))
    closed = {g for g, reply in zip(names, replies[0], strict=True) if gates.is_closed(reply)}
    return Standing(tokens, closed)


def ask_now(lookup: Lookup, needed: Dependencies) -> Standing:
    """How they stand, in one round trip. Raises Unavailable."""
    asked = ask(lookup, needed)
    return standing_of(asked, client.ask(*asked))


def own_generations(lookup: Lookup, standing: Standing) -> Generations:
    """The generations of the lookup's own gates."""
    return tuple(standing.tokens[gate] for gate in lookup.gates)
