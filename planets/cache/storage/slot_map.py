"""Which node of a Redis Cluster has which slot, as far as this process knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import AskError, MovedError, SlotNotCoveredError

from . import clock

# Seconds for which the map is not asked for again: those who were led astray together ask once, and
# it takes a while until the nodes themselves have heard of a change.
HOLDS = 0.1


class SlotMap:
    """redis-py's own map, and when to ask for another."""

    def __init__(self, redis: RedisCluster) -> None:
        self.redis = redis
        self._manager = redis.nodes_manager
        self._asked_at = float("-inf")

    def primary(self, slot: int) -> Any:
        """The node that has a slot. Raises SlotNotCoveredError."""
        if not (nodes := self._manager.slots_cache.get(slot)):
            raise SlotNotCoveredError(f"no node has the slot {slot}")
        return nodes[0]

    def primaries(self) -> list[Any]:
        """The nodes that have slots."""
        found = {nodes[0].name: nodes[0] for nodes in list(self._manager.slots_cache.values())}
        return list(found.values())

    def is_at(self, slot: int, name: str) -> bool:
        """Whether the node of this name has a slot."""
        return any(node.name == name for node in self._manager.slots_cache.get(slot, ())[:1])

    def knows(self, name: str) -> bool:
        """Whether there is a node of this name."""
        return name in self._manager.nodes_cache

    def named_by(self, error: AskError) -> Any:
        """The node that an error leads to; None where the map has not heard of it."""
        found = self._manager.get_node(host=error.host, port=error.port)
        if found is None and self.refresh(at_once=True):
            found = self._manager.get_node(host=error.host, port=error.port)
        return found

    def refresh(
        self, *, failed: str = "", moved: Iterable[MovedError] = (), at_once: bool = False
    ) -> bool:
        """Ask for it, and then believe who has just told. Raises FAILURES.

        Who sent us away knows better than whoever is asked, who may not have heard. A node that
        has `failed` is asked last; those of LOCATION are asked where no other answers. Returns
        whether anybody was asked.
        """
        due = at_once or clock.now() - self._asked_at > HOLDS
        if due:
            self._manager.initialize(
                additional_startup_nodes_info=[(n.host, n.port) for n in self.redis.startup_nodes],
                disconnect_startup_nodes_pools=False,
                last_failed_node_name=failed or None,
            )
            self._asked_at = clock.now()
        for error in moved:
            self._manager.move_slot(error)
        return due
