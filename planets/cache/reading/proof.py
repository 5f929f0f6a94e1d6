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


def standing_of(asked: Sequence[Command], told: Sequence[Reply]) -> Standing:
    """What was told of the gates and records that these commands ask for, beside an entry.

    By now others may be asked for: other threads learn.
    """
    if asked[0][0] == "MGET":
        (_, _, *names), *rest = asked
    else:
        _, (_, *names), *rest = asked
    records = [command[1] for command in rest]
    return _standing(names, told[: len(names)], records, told[len(names) :])


def _standing(
    names: Sequence[str], gate_replies: Sequence[Reply],
    records: Sequence[str], record_replies: Sequence[Reply],
) -> Standing:  # fmt: skip
    tokens = dict(zip(names, map(gates.generation, gate_replies), strict=True))
    tokens.update(zip(records, map(read_token, record_replies), strict=True))
    closed = {g for g, reply in zip(names, gate_replies, strict=True) if gates.is_closed(reply)}
    return Standing(tokens, closed)


def ask_now(lookup: Lookup, needed: Dependencies) -> Standing:
    """How these gates and records stand, in one round trip. Raises Unavailable."""
    names = list(dict.fromkeys((*lookup.gates, *needed.gates)))
    told, *of_records = client.ask(("MGET", *names), *map(ask_token, needed.records))
    return _standing(names, told, list(needed.records), of_records)


def own_generations(lookup: Lookup, standing: Standing) -> Generations:
    """The generations of the lookup's own gates."""
    return tuple(standing.tokens[gate] for gate in lookup.gates)
