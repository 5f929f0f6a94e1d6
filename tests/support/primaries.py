"""A Redis Cluster of three primaries, started on the loopback address."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, Self

from redis.cluster import key_slot

from .servers import STARTS_WITHIN, Redis, free_port

SLOTS = 16384


class Primaries:
    """`options` are each server's own, as for Redis. `spare` more have no slots yet."""

    def __init__(self, count: int = 3, *, spare: int = 0, **options: Any) -> None:
        given = {"cluster-enabled": "yes", "cluster-node-timeout": 2000, **options}
        # By itself a node would add 10,000 to its port, which may be too many.
        self.nodes = [
            Redis(tcp=True, **given, **{"cluster-port": free_port()}) for _ in range(count + spare)
        ]
        bounds = [SLOTS * place // count for place in range(count + 1)]
        self.slots = [range(*pair) for pair in pairwise(bounds)]
        for place, slots in enumerate(self.slots):
            self.tell(place, "CLUSTER ADDSLOTSRANGE", slots[0], slots[-1])
        for node in self.nodes[1:]:
            meet = ("CLUSTER MEET", "127.0.0.1", node.port, node.options["cluster-port"])
            self.tell(0, *meet)
        give_up = time.monotonic() + STARTS_WITHIN
        while not all(self.knows_all(place) for place in range(len(self.nodes))):
            assert time.monotonic() < give_up, "the cluster did not form"
            time.sleep(0.02)

    @property
    def url(self) -> str:
        return self.nodes[0].url

    def tell(self, place: int, *command: Any) -> Any:
        """The reply of one node."""
        with self.nodes[place].client() as direct:
            return direct.execute_command(*command)

    def knows_all(self, place: int) -> bool:
        told = self.tell(place, "CLUSTER INFO")
        return told["cluster_state"] == "ok" and int(told["cluster_known_nodes"]) == len(self.nodes)

    def name(self, place: int) -> str:
        """The id of a node in its cluster."""
        return str(self.tell(place, "CLUSTER MYID").decode())

    def owner(self, key: str) -> int:
        """The place of the node that was given a key's slot at the beginning."""
        slot = key_slot(key.encode())
        return next(place for place, slots in enumerate(self.slots) if slot in slots)

    def begin_move(self, slot: int, source: int, target: int) -> None:
        self.tell(target, "CLUSTER SETSLOT", slot, "IMPORTING", self.name(source))
        self.tell(source, "CLUSTER SETSLOT", slot, "MIGRATING", self.name(target))

    def move_keys(self, slot: int, source: int, target: int) -> None:
        names = self.tell(source, "CLUSTER GETKEYSINSLOT", slot, 1000)
        if names:
            port = self.nodes[target].port
            self.tell(source, "MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *names)

    def end_move(self, slot: int, source: int, target: int) -> None:
        for place in (target, source):
            self.tell(place, "CLUSTER SETSLOT", slot, "NODE", self.name(target))

    def move(self, slot: int, source: int, target: int) -> None:
        """A slot and its keys, as redis-cli --cluster reshard does it."""
        self.begin_move(slot, source, target)
        self.move_keys(slot, source, target)
        self.end_move(slot, source, target)

    def use(self, settings: Any) -> None:
        """From here on the cache's Redis is this cluster."""
        settings.CACHES = {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": self.url,
                "OPTIONS": {"CONNECTION_FACTORY": "tests.support.cluster_factory.ClusterFactory"},
            }
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for node in self.nodes:
            node.remove()
