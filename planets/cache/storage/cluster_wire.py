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
from collections.abc import Iterable, Sequence
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import (
    AskError,
    MovedError,
    RedisError,
    SlotNotCoveredError,
    TryAgainError,
)

from ..conf import conf
from . import clock, greeting, leases
from .errors import FAILURES, NodeAway, is_non_local, is_silence
from .slots import slot_of
from .stamps import believed
from .wire import Command, Reply, Wire

# Times that one round trip is led elsewhere. A failover takes two, a slot that moves two or three.
MOST = 6
PAUSE = 0.002  # seconds, doubled each time, for keys of one slot to be together again
# Seconds for which the map of slots is not asked for again: those who were led astray together
# ask once, and it takes a while until the nodes themselves have heard of a change.
MAP_HOLDS = 0.1


class NodeWire(Wire):
    """Round trips to one node, and in which run it is."""

    def __init__(self, name: str, redis: Any, cluster: RedisCluster) -> None:
        super().__init__(redis, lambda new: ("PING",), lambda reply: None)
        self.name, self._cluster = name, cluster
        self.run = greeting.UNKNOWN
        self.failures = 0  # in a row

    def _greeting(self, new: bool) -> list[Command]:
        slots = self._cluster.nodes_manager.slots_cache

        def owns(slot: int) -> bool:
            return any(node.name == self.name for node in slots.get(slot, ())[:1])

        try:
            return greeting.of_node(owns, new=new)
        except StopIteration:
            # All of its slots have gone meanwhile, and it will say so.
            raise SlotNotCoveredError(f"{self.name} has no slot") from None

    def _heard(self, asked: Sequence[Command], answers: list[Reply]) -> None:
        self.run = greeting.hear_node(asked, answers)


class Errand:
    """One command, where it is to go, and what came of it."""

    __slots__ = ("asking", "command", "reply", "wire")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.reply: Reply = None
        self.wire: NodeWire | None = None  # where its slot is not to tell
        self.asking = False


class ClusterWire:
    """Round trips to a cluster, each node of which is greeted as one Redis would be."""

    def __init__(self, redis: RedisCluster) -> None:
        self.redis = redis
        self._lock = threading.Lock()
        self._wires: dict[str, NodeWire] = {}
        self._mapped_at = float("-inf")

    def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies; a command's ResponseError is its reply. Raises FAILURES.

        An MGET goes as GETs, for its keys lie in many slots, and a PING to every primary.
        """
        errands: list[Errand] = []
        spans = []
        for command in commands:
            begin = len(errands)
            errands += self._errands(command)
            spans.append(slice(begin, len(errands)))
        self._run(errands)
        replies = []
        for command, span in zip(commands, spans, strict=True):
            told = [believed(command, e.reply, e.wire.run) for e in errands[span] if e.wire]
            replies.append(told if command[0] == "MGET" else told[0])
        return replies

    def distrust(self) -> None:
        """There is an outage: connect anew, by a new map."""
        self._mapped_at = float("-inf")
        self._remap("")
        for wire in self._known():
            wire.distrust()

    def doubt(self) -> None:
        """Greet again before anything else."""
        for wire in self._known():
            wire.doubt()

    def close(self) -> None:
        """Give all connections back."""
        for wire in self._known():
            wire.close()

    # --- where to

    def _known(self) -> list[NodeWire]:
        with self._lock:
            return list(self._wires.values())

    def _errands(self, command: Command) -> list[Errand]:
        name, *args = command
        if name == "MGET":
            return [Errand(("GET", key)) for key in args]
        if name != "PING":
            return [Errand(command)]
        errands = []
        slots = self.redis.nodes_manager.slots_cache
        for node in {nodes[0].name: nodes[0] for nodes in list(slots.values())}.values():
            errand = Errand(command)
            errand.wire = self._wire_to(node)
            errands.append(errand)
        return errands

    def _wire_of(self, command: Command) -> NodeWire:
        """To the node that has the key of a command. Raises SlotNotCoveredError."""
        slot = slot_of(command[3] if command[0] == "EVAL" else command[1])
        if not (nodes := self.redis.nodes_manager.slots_cache.get(slot)):
            raise SlotNotCoveredError(f"no node has the slot {slot}")
        return self._wire_to(nodes[0])

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
                wire = self._wires[node.name] = NodeWire(node.name, redis, self.redis)
            return wire

    def _remap(self, failed: str, moved: Iterable[MovedError] = ()) -> None:
        """Ask which node has which slot, and then believe who has just told. Raises FAILURES.

        Who sent us away knows better than whoever is asked for the map, who may not have heard.
        """
        manager = self.redis.nodes_manager
        if clock.now() - self._mapped_at > MAP_HOLDS:
            given = [(node.host, node.port) for node in self.redis.startup_nodes]
            manager.initialize(
                additional_startup_nodes_info=given,
                disconnect_startup_nodes_pools=False,
                last_failed_node_name=failed or None,
            )
            self._mapped_at = clock.now()
            with self._lock:
                gone = [name for name in self._wires if name not in manager.nodes_cache]
                closed = [self._wires.pop(name) for name in gone]
            for wire in closed:
                wire.close()
        for error in moved:
            manager.move_slot(error)

    # --- there and back

    def _run(self, errands: list[Errand]) -> None:
        left, pause = errands, PAUSE
        for turn in range(MOST):
            try:
                self._round(left)
            except MovedError as error:  # to the greeting
                if turn + 1 == MOST:
                    raise
                self._remap("", [error])
                for errand in left:
                    errand.wire = None
                continue
            except NodeAway as error:
                if turn:
                    raise
                self._remap(error.node)
                if not self._has_moved(left, error.node):
                    raise
                continue
            left = [errand for errand in left if self._goes_on(errand)]
            if not left:
                return
            if moved := [e.reply for e in left if type(e.reply) is MovedError]:
                self._remap("", moved)
            if any(isinstance(e.reply, TryAgainError) for e in left):
                time.sleep(pause)
                pause *= 2
            for errand in left:
                self._lead(errand)

    def _has_moved(self, errands: list[Errand], node: str) -> bool:
        """Whether what a node did not answer is another's now; if so, what was said goes there."""
        for errand in errands:
            if errand.command[0] == "PING" or self._wire_of(errand.command).name == node:
                return False
            errand.wire, errand.asking = None, False
        return True

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
        reply = errand.reply
        errand.wire, errand.asking = None, False
        if type(reply) is AskError:
            manager = self.redis.nodes_manager
            node = manager.get_node(host=reply.host, port=reply.port)
            if node is None:
                self._mapped_at = float("-inf")
                self._remap("")
                node = manager.get_node(host=reply.host, port=reply.port)
            if node is not None:
                errand.wire, errand.asking = self._wire_to(node), True

    def _round(self, errands: list[Errand]) -> None:
        """Write to all nodes, then read from all. Raises the first failure, when all were read."""
        parts: dict[NodeWire, list[Errand]] = {}
        for errand in errands:
            if errand.wire is None:
                errand.wire = self._wire_of(errand.command)
            parts.setdefault(errand.wire, []).append(errand)
        sent = []
        failure: Exception | None = None
        try:
            for wire, mine in parts.items():
                try:
                    sent.append((wire, mine, wire.send(_spoken(mine))))
                except FAILURES as error:
                    failure = failure or self._failed(wire, error)
            while sent:
                wire, mine, line = sent.pop(0)
                try:
                    replies = iter(wire.receive(line))
                except FAILURES as error:
                    failure = failure or self._failed(wire, error)
                    continue
                wire.failures = 0
                for errand in mine:
                    if errand.asking:
                        next(replies)
                    errand.reply = next(replies)
        finally:
            for wire, _, line in sent:
                wire.abandon(line)
        if failure:
            raise failure

    def _failed(self, wire: NodeWire, error: Exception) -> Exception:
        if not is_silence(error):
            return error
        wire.failures += 1
        return NodeAway(wire.name, error, for_good=wire.failures >= conf().BREAKER_FAILURES)


def _spoken(errands: list[Errand]) -> list[Command]:
    words: list[Command] = []
    for errand in errands:
        if errand.asking:
            words.append(("ASKING",))
        words.append(errand.command)
    return words
