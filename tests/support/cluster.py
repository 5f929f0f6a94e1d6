"""A private Redis Cluster: primaries with replicas, to kill, to pause and to move slots in."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import redis as redis_py

from planets.cache.storage.client import client

from .servers import STARTS_WITHIN, Redis, free_port
from .waiting import wait_until

SLOTS = 16384
NODE_TIMEOUT = 1500  # milliseconds of silence after which the others take a node for dead


class Node(Redis):
    """One server of a cluster."""

    def __init__(self) -> None:
        # By itself its bus would add 10,000 to its port, which may be too many.
        options = {
            "cluster-enabled": "yes",
            "cluster-port": free_port(),
            "cluster-node-timeout": NODE_TIMEOUT,
            "cluster-replica-validity-factor": 0,
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": 0,
            "repl-ping-replica-period": 1,
        }
        super().__init__(tcp=True, **options)
        self.id = self.ask("CLUSTER MYID").decode()

    def ask(self, *words: Any) -> Any:
        with self.client() as direct:
            return direct.execute_command(*words)

    @property
    def is_primary(self) -> bool:
        return bool(self.ask("ROLE")[0] == b"master")


class Cluster:
    """Primaries and a replica of each, on the loopback address."""

    def __init__(self, primaries: int = 3, *, replicas: bool = True) -> None:
        with ExitStack() as stack:
            self.nodes = [
                stack.enter_context(Node()) for _ in range(primaries * (2 if replicas else 1))
            ]
            self._form(primaries)
            self._stack = stack.pop_all()

    @property
    def url(self) -> str:
        """All nodes, with commas between."""
        return ",".join(f"redis://127.0.0.1:{node.port}" for node in self.nodes)

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.process]

    def client(self, **options: Any) -> redis_py.RedisCluster:
        """A plain client, for what a test sees and does behind the layer's back."""
        node = redis_py.cluster.ClusterNode("127.0.0.1", self.running[0].port)
        return redis_py.RedisCluster(startup_nodes=[node], **options)

    def primary(self, key: str) -> Node:
        """The node that has a key."""
        return self.owner(self.slot(key))

    def slot(self, key: str) -> int:
        return int(self.running[0].ask("CLUSTER KEYSLOT", key))

    def replica(self, primary: Node) -> Node:
        """The node that follows another, and has all that it has."""
        for node in self.running:
            role = node.ask("ROLE")
            if role[0] == b"slave" and role[2] == primary.port and role[3] == b"connected":
                return node
        raise LookupError(primary.port)

    def move(self, slot: int, target: Node) -> None:
        """A slot with all of its keys."""
        with self.moving(slot, target) as move_keys:
            move_keys(None)

    @contextmanager
    def moving(self, slot: int, target: Node) -> Iterator[Callable[[int | None], int]]:
        """While it lasts a slot is on its way; what it gives moves so many of its keys, or all."""
        source = self.owner(slot)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)

        def move_keys(count: int | None) -> int:
            names = source.ask("CLUSTER", "GETKEYSINSLOT", slot, count or 100_000)
            if names:
                source.ask(
                    "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "REPLACE", "KEYS", *names
                )
            return len(names)

        yield move_keys
        while move_keys(None):
            pass
        for node in (target, source, *(n for n in self.running if n.is_primary)):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        # A replica that has not heard of it would claim the slot if it were promoted now.
        self.wait_until_whole()

    def fail_over(self, primary: Node) -> Node:
        """Kill a primary and wait for its replica to have taken its place, which is returned."""
        heir = self.replica(primary)
        primary.stop(signal.SIGKILL)
        wait_until(lambda: heir.is_primary)
        self.wait_until_whole()
        return heir

    def wait_until_whole(self) -> None:
        """All nodes that run know who has each slot, and agree."""
        give_up = time.monotonic() + STARTS_WITHIN
        while not (all(map(self._sees_all, self.running)) and self._agree()):
            if time.monotonic() > give_up:
                told = [node.ask("CLUSTER NODES") for node in self.running]
                raise RuntimeError(f"the cluster did not form: {told}")
            time.sleep(0.02)
            if time.monotonic() > give_up - STARTS_WITHIN + 2:
                self._close_open_slots()

    def _sees_all(self, node: Node) -> bool:
        info = node.ask("CLUSTER INFO")
        return bool(info["cluster_state"] == "ok" and int(info["cluster_slots_ok"]) == SLOTS)

    def _close_open_slots(self) -> None:
        """What a failover has left on its way, as `redis-cli --cluster fix` does it."""
        for node in self.running:
            mine = next(n for n in node.ask("CLUSTER NODES").values() if "myself" in n["flags"])
            for left in mine["migrations"]:
                node.ask("CLUSTER", "SETSLOT", left["slot"], "STABLE")

    def _agree(self) -> bool:
        views = (sorted(part[:3] for part in n.ask("CLUSTER SLOTS")) for n in self.running)
        return (
            len(
                {
                    str([(first, last, port) for first, last, (_, port, *_) in view])
                    for view in views
                }
            )
            == 1
        )

    def owner(self, slot: int) -> Node:
        """The node that has a slot."""
        for first, last, (_, port, *_), *_ in self.running[0].ask("CLUSTER SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(slot)

    def _form(self, primaries: int) -> None:
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < primaries:
                first, last = (SLOTS * at // primaries for at in (number, number + 1))
                node.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            bus = self.nodes[0].options["cluster-port"]
            node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, bus)
        self.wait_until_whole()
        for number, node in enumerate(self.nodes[primaries:]):
            node.ask("CLUSTER", "REPLICATE", self.nodes[number].id)
        for node in self.nodes[primaries:]:
            wait_until(lambda node=node: node.ask("ROLE")[3:4] == [b"connected"])
        self.wait_until_whole()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()


def use(settings: Any, cluster: Cluster, timeout: float = 0.5) -> None:
    """From here on the cache's Redis is this cluster."""
    settings.CACHES = {"default": configuration(cluster.url, timeout)}


def configuration(url: str, timeout: float = 0.5) -> dict[str, Any]:
    """What CACHES says of it."""
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        "OPTIONS": {
            "CONNECTION_FACTORY": "planets.cache.cluster.ClusterConnectionFactory",
            "SOCKET_TIMEOUT": timeout,
            "SOCKET_CONNECT_TIMEOUT": timeout,
        },
    }


@contextmanager
def using(settings: Any, cluster: Cluster, timeout: float = 0.5) -> Iterator[Cluster]:
    """The cache uses it; afterwards the client has found the run's own Redis again."""
    usual = settings.CACHES
    use(settings, cluster, timeout)
    yield cluster
    settings.CACHES = usual
    wait_until(lambda: not client.away)
