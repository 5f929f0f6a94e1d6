"""What this process knows of a computed entry: what to ask for, and what was answered last time.

Both are prepared once, for a hit must not cost more than its round trip. An answer that is the same
in every byte as the one that proved an entry current proves the same entry again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from ..storage.near import near
from ..storage.wire import Command, Reply
from .dependencies import Dependencies
from .envelope import HEAD
from .lookup import Found, Lookup
from .record_format import ask_token

# Bytes up to which an entry is asked for whole: the head would want a command of its own.
SHORT = 1024


class Kept(NamedTuple):
    """An entry with its payload."""

    found: Found
    head: bytes


class Remembered(Struct):
    """An entry without its payload, and the commands that ask for it and its dependencies."""

    found: Found
    head: bytes  # of its bytes: holds their seal, which tells it from every other entry
    own: tuple[str, ...]  # the gates that it stands behind, whatever it read
    whole: list[Command]
    brief: list[Command]  # where its payload is kept
    slots: tuple[str, ...]  # of the near tier: the entry, its gates, the tokens of its records
    tokens: list[str]  # what those hold behind the entry while it is current
    proof: list[Reply] | None = None  # how its dependencies stood when it was current

    @property
    def dependencies(self) -> Dependencies:
        needed: Dependencies = self.found.value.dependencies
        return needed

    @property
    def mark(self) -> Mapping[str, str]:
        told: Mapping[str, str] = self.found.value.mark
        return told

    def was_proven(self, asked: Sequence[Command], reply: Reply, told: list[Reply]) -> bool:
        """Whether this same answer has proved this same entry before."""
        if asked is not self.brief and asked is not self.whole:
            return False  # another's question: what it learned may be of other gates
        return told == self.proof and self.is_under(reply)

    def is_under(self, reply: Reply) -> bool:
        """Whether this entry was replied, or the head of it."""
        return type(reply) is bytes and reply[:HEAD] == self.head

    def is_proven(self, asked: Sequence[Command], reply: Reply, told: list[Reply]) -> None:
        """It was current when this was answered."""
        mine = asked is self.brief or asked is self.whole
        if mine and self.is_under(reply):
            self.proof = told


def remembered(lookup: Lookup, key: str, found: Found, head: bytes) -> Remembered:
    """With the commands of the next look."""
    needed: Any = found.value.dependencies
    return Remembered(
        found,
        head,
        lookup.gates,
        ask_whole(key, lookup.gates, needed),
        ask_brief(key, lookup.gates, needed),
        (key, *needed.gates, *map(near.token_slot, needed.records)),
        [*needed.gates.values(), *needed.records.values()],
    )


def ask_whole(key: str, own: Sequence[str], needed: Dependencies) -> list[Command]:
    """The commands that ask for an entry and for how these gates and records stand."""
    names = dict.fromkeys((*own, *needed.gates))
    return [("MGET", key, *names), *map(ask_token, needed.records)]


def ask_brief(key: str, own: Sequence[str], needed: Dependencies) -> list[Command]:
    """The same, but of the entry for its head alone; b"" is the reply where there is none."""
    names = dict.fromkeys((*own, *needed.gates))
    return [("GETRANGE", key, 0, HEAD - 1), ("MGET", *names), *map(ask_token, needed.records)]


def is_brief(asked: Sequence[Command]) -> bool:
    """Whether the head alone was asked for."""
    return bool(asked[0][0] == "GETRANGE")


def sort(asked: Sequence[Command], replies: Sequence[Reply]) -> tuple[Reply, list[Reply]]:
    """What was replied of the entry, and of the gates and records in their order."""
    if is_brief(asked):
        return replies[0], [*replies[1], *replies[2:]]
    (reply, *gates), *records = replies
    return reply, gates + records
