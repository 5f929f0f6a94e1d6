"""Whose turn it is to watch: one watcher works, another waits.

The turn is a key of Redis that its owner prolongs. Its name has a number that grows with each turn,
and the position is stored only under the name that has it now: who slept through the end of his
turn can tell nothing any more. What he still invalidates does no harm but a miss.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass

from ..storage import keys
from ..storage.client import client
from ..storage.scripts import script
from . import position
from .position import Position

LASTS = 3.0  # seconds after which another takes over
INTEREST = 7 * 24 * 3600 * 1000  # milliseconds for which the state of a watcher that is gone stays


class TurnIsOver(Exception):
    """Another watcher has taken over."""


@dataclass(frozen=True, slots=True)
class Turn:
    """All of it raises Unavailable where Redis is away."""

    alias: str
    name: str

    def position(self) -> Position | None:
        """Where the last turn came to; None where nobody knows."""
        return position.read(client.call(("GET", self._key("position")))[0])

    def tell(self, position: Position | None, state: str) -> None:
        """Store how far this turn has come (None: as it was), and prolong it. Raises TurnIsOver."""
        [now] = client.call(
            script(
                "watcher_tell",
                [self._key("turn"), self._key("position"), self._key("state")],
                *(self.name, round(LASTS * 1000)),
                *(position.text() if position else "", state, INTEREST),
            )
        )
        if now != self.name.encode():
            raise TurnIsOver(_text(now) or "nobody has it")

    def end(self) -> None:
        """Let another take over at once."""
        client.call(script("release", [self._key("turn")], self.name))

    def _key(self, what: str) -> str:
        return keys.watcher(self.alias, what)


def take(alias: str) -> tuple[Turn | None, str]:
    """The turn where it is free, and who has it. Raises Unavailable."""
    me = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    names = [keys.watcher(alias, "turn"), keys.watcher(alias, "number")]
    [now] = client.call(script("watcher_turn", names, me, round(LASTS * 1000)))
    mine = _text(now).partition("-")[2] == me
    return (Turn(alias, _text(now)) if mine else None), _text(now)


def _text(reply: object) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""
