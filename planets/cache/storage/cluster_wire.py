"""One round trip to a Redis Cluster: to all nodes that have a part of it, at once.

redis-py knows which node has a slot, and has its connections. Its pipeline writes to all nodes
before it reads from any, too; but it greets nobody, sends what was redirected one by one with
pauses in between, and takes several times as long as the round trip.

    MOVED          The slot has another node: ask for the map anew, and go there.
    ASK            The slot is on its way, and this key has gone: go there, this time.
    TRYAGAIN       The slot is on its way, and has one key of a script here and one there: do it a
                   key at a time, where that is the same.
    "non local"    A script has deleted a key and may not make it here again: it has gone.
    no answer      Perhaps a replica has taken the node's place: ask for the map, and go there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import AskError, MovedError, RedisError, TryAgainError

from . import greeting, leases
from .errors import FAILURES, NodeAway, is_non_local
from .node_wire import NodeWire
from .slot_map import SlotMap
from .slots import slot_of
from .stamps import believed
from .wire import Command, Reply

# Times that one round trip is led elsewhere. A failover takes two, a slot that moves two or three.
MOST = 6
PAUSE = 0.002  # seconds, doubled each time, for keys of one slot to be together again


class Errand:
    """One command, where it goes, and what came of it."""

    __slots__ = ("asking", "command", "reply", "wire")

    def __init__(self, command: Command, wire: NodeWire | None = None) -> None:
        self.command, self.wire = command, wire  # None: to where its key is
        self.asking = False
        self.reply: Reply = None

    @property
    def run(self) -> bytes:
        """Of the node that replied; unknown where it sent us to one that the map does not have."""
        return self.wire.run if self.wire else greeting.UNKNOWN

    def begin_anew(self) -> None:
        """To where its key is by now; what has no key stays where it was sent."""
        if self.command[0] != "PING":
            self.wire, self.asking = None, False

    def spoken(self) -> list[Command]:
        """What the node is told."""
        return [("ASKING",), self.command] if self.asking else [self.command]


class ClusterWire:
    """Round trips to a cluster, and a wire to each node of it that was needed."""

    def __init__(self, redis: RedisCluster) -> None:
        self.redis = redis
        self._slots = SlotMap(redis)
        self._lock = threading.Lock()
        self._wires: dict[str, NodeWire] = {}

    def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies; a command's ResponseError is its reply. Raises FAILURES.

        An MGET goes as GETs, for its keys lie in many slots, and a PING to every primary.
        """
        errands: list[Errand] = []
        parts = []
        for command in commands:
            before = len(errands)
            errands += self._errands(command)
            parts.append((command, slice(before, len(errands))))
        self._run(errands)
        replies = []
        for command, part in parts:
            told = [believed(command, e.reply, e.run) for e in errands[part]]
            replies.append(_as_one(told) if command[0] == "MGET" else told[0])
        return replies

    def distrust(self) -> None:
        """There is an outage: connect anew, by a new map. Raises FAILURES."""
        self._refresh(at_once=True)
        for wire in self.wires():
            wire.distrust()

    def doubt(self) -> None:
        """Greet again before anything else."""
        for wire in self.wires():
            wire.doubt()

    def close(self) -> None:
        """Give all connections back."""
        for wire in self.wires():
            wire.close()

    def wires(self) -> list[NodeWire]:
        """Those to the nodes that were needed yet."""
        with self._lock:
            return list(self._wires.values())

    # --- where to

    def _errands(self, command: Command) -> list[Errand]:
        name, *args = command
        if name == "MGET":
            return [Errand(("GET", key)) for key in args]
        if name == "PING":
            return [Errand(command, self._wire_to(node)) for node in self._slots.primaries()]
        return [Errand(command)]

    def _wire_for(self, command: Command) -> NodeWire:
        """To the node that has the key of a command. Raises SlotNotCoveredError."""
        key = command[3] if command[0] == "EVAL" else command[1]
        return self._wire_to(self._slots.primary(slot_of(key)))

    def _wire_to(self, node: Any) -> NodeWire:
        wire = self._wires.get(node.name)
        if wire is not None and wire.redis is node.redis_connection:
            return wire
        redis = self.redis.get_redis_connection(node)
        with self._lock:
            wire = self._wires.get(node.name)
            if wire is None or wire.redis is not redis:
                if wire:
                    wire.close()
                wire = self._wires[node.name] = NodeWire(node.name, redis, self._slots)
            return wire

    def _refresh(self, **how: Any) -> None:
        """Have a new map, and leave the nodes that are not on it."""
        if self._slots.refresh(**how):
            with self._lock:
                gone = [name for name in self._wires if not self._slots.knows(name)]
                left = [self._wires.pop(name) for name in gone]
            for wire in left:
                wire.close()

    # --- there and back

    def _run(self, errands: list[Errand]) -> None:
        left, pause = errands, PAUSE
        for turn in range(MOST):
            try:
                self._round(left)
            except MovedError as error:  # to the greeting
                if turn + 1 == MOST:
                    raise
                self._refresh(moved=[error])
                for errand in left:
                    errand.begin_anew()
                continue
            except NodeAway as error:
                if turn:
                    raise
                self._refresh(failed=error.node)
                if not self._has_left(left, error.node):
                    raise
                continue
            left = [errand for errand in left if self._goes_on(errand)]
            if not left or turn + 1 == MOST:
                return
            if moved := [e.reply for e in left if type(e.reply) is MovedError]:
                self._refresh(moved=moved)
            if any(isinstance(e.reply, TryAgainError) for e in left):
                time.sleep(pause)
                pause *= 2
            for errand in left:
                self._lead(errand)

    def _has_left(self, errands: list[Errand], node: str) -> bool:
        """Whether nothing of this goes to that node any more."""
        for errand in errands:
            errand.begin_anew()
        return all((e.wire or self._wire_for(e.command)).name != node for e in errands)

    def _goes_on(self, errand: Errand) -> bool:
        """Whether an errand has not found what it was for."""
        reply = errand.reply
        if not isinstance(reply, RedisError):
            return False
        apart = isinstance(reply, TryAgainError) and leases.one_by_one(errand.command)
        if apart:
            for step in apart:
                (errand.reply,) = self.exchange([step])
                if isinstance(errand.reply, RedisError):
                    break
            return False
        return isinstance(reply, AskError | TryAgainError) or is_non_local(reply)

    def _lead(self, errand: Errand) -> None:
        """To where the node that had it has sent us."""
        errand.begin_anew()
        if type(errand.reply) is AskError and (node := self._slots.named_by(errand.reply)):
            errand.wire, errand.asking = self._wire_to(node), True

    def _round(self, errands: list[Errand]) -> None:
        """Write to all nodes, then read from all. Raises the first failure, when all were read."""
        parts: dict[NodeWire, list[Errand]] = {}
        for errand in errands:
            errand.wire = errand.wire or self._wire_for(errand.command)
            parts.setdefault(errand.wire, []).append(errand)
        sent, failures = [], list[Exception]()
        try:
            for wire, mine in parts.items():
                try:
                    sent.append((wire, mine, wire.send([w for e in mine for w in e.spoken()])))
                except FAILURES as error:
                    failures.append(wire.failed(error))
            while sent:
                wire, mine, line = sent.pop(0)
                try:
                    replies = iter(wire.receive(line))
                except FAILURES as error:
                    failures.append(wire.failed(error))
                    continue
                wire.succeeded()
                for errand in mine:
                    asked = next(replies) if errand.asking else None
                    errand.reply = next(replies)
                    if isinstance(asked, RedisError):
                        errand.reply = asked
        finally:  # whatever stopped us: nobody reads these any more
            for wire, _, line in sent:
                wire.abandon(line)
        if failures:
            raise failures[0]


def _as_one(replies: list[Reply]) -> Reply:
    """The reply to an MGET, of those to its GETs: a key of another type has no string, and what is
    refused of one key is refused of all.
    """
    for at, reply in enumerate(replies):
        if isinstance(reply, RedisError):
            if not str(reply).startswith("WRONGTYPE"):
                return reply
            replies[at] = None
    return replies
