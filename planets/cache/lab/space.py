"""A key space of its own in the configured Redis, for a measurement beside live traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..storage import keys
from ..storage.client import Exchange, client
from ..storage.gates import token
from ..storage.wire import Command, Reply

# Where a command's keys stand; what is not named here is refused, so that no other key is touched.
KEYS = {"GET": 1, "GETRANGE": 1, "HGET": 1, "HGETALL": 1, "MGET": None, "DEL": None}
BATCH = 500  # keys of one DEL


class Space:
    """Prefixes every key of this process, remembers them, counts what goes to and fro."""

    def __init__(self) -> None:
        # The braces put all of it into one slot of a cluster.
        self.prefix = f"{{lab-{token()}}}:"
        self.names: set[str] = set()
        self.commands = 0
        self.bytes = 0  # of replies

    def exchange(self, usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
        """What `client.through` takes."""
        replies = usual([self.own(command) for command in commands])
        self.commands += len(commands)
        self.bytes += sum(map(size, replies))
        return replies

    def own(self, command: Command) -> Command:
        """The command on our own keys. Raises ValueError for one whose keys are not known."""
        if command[0] == "PING":
            return command
        if command[0] == "EVAL":
            first, last = 3, 3 + command[2]
        elif command[0] in KEYS:
            first, last = 1, (KEYS[command[0]] or len(command) - 1) + 1
        else:
            raise ValueError(f"{command[0]!r} is not known to the lab: add where its keys stand")
        names = command[first:last]
        self.names.update(names)
        return (*command[:first], *(self.prefix + name for name in names), *command[last:])

    def empty(self) -> None:
        """Remove the entries; gates stay, as on a site whose entries have expired."""
        self.remove([name for name in self.names if keys.kind(name) != "gate"])

    def remove(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), BATCH):
            client.call(("DEL", *names[start : start + BATCH]))


def size(reply: Any) -> int:
    """Bytes of a reply, without the protocol's own."""
    if isinstance(reply, bytes):
        return len(reply)
    if isinstance(reply, dict):
        return sum(size(key) + size(value) for key, value in reply.items())
    return sum(map(size, reply)) if isinstance(reply, list) else 0


@contextmanager
def private() -> Iterator[Space]:
    """A space for this process, all of whose keys are gone at the end."""
    space = Space()
    with client.through(space.exchange):
        try:
            yield space
        finally:
            space.remove(sorted(space.names))
