"""What the Redis server says of itself, for those who look after it. Nothing here fetches or fills.

It asks over redis-py rather than by client.call: a command that an operator's Redis does not know,
or forbids, must not open the breaker that the pages depend on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from redis.cluster import RedisCluster

from ..storage.client import client
from ..storage.errors import FAILURES, Unavailable


@contextmanager
def asking() -> Iterator[Any]:
    """A redis-py client; within, any failure of Redis is Unavailable."""
    try:
        yield client.redis()
    except FAILURES as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def nodes(redis: Any) -> list[Any]:
    """A client for each server that holds a part of the keys: one, but on a cluster."""
    if isinstance(redis, RedisCluster):
        return [redis.get_redis_connection(node) for node in redis.get_primaries()]
    return [redis]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Sizes are bytes, times seconds. On a cluster, sizes and counts are sums over its nodes."""

    name: str  # Redis, Valkey
    version: str
    role: str  # master, or slave: a replica refuses fills and invalidations
    nodes: int
    uptime: int  # of the node that was last started
    memory: int
    max_memory: int  # 0: no limit
    policy: str  # what it evicts when memory is full
    keys: int
    clients: int
    hits: int  # look-ups of any key by any client, gates among them, since it was started
    misses: int
    evicted: int
    expired: int
    commands_a_second: float  # by Redis's own measure, just now
    bytes_in_a_second: float
    bytes_out_a_second: float

    @property
    def is_lfu(self) -> bool:
        """It counts accesses (OBJECT FREQ); otherwise it knows the time of the last one."""
        return self.policy.endswith("-lfu")

    @property
    def memory_share(self) -> float | None:
        """Memory used of the limit, where there is one."""
        return self.memory / self.max_memory if self.max_memory else None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def server() -> Server:
    """One INFO and one DBSIZE a node. Raises Unavailable."""
    with asking() as redis:
        told, keys = [], 0
        for node in nodes(redis):
            pipeline = node.pipeline(transaction=False)
            pipeline.info()
            pipeline.dbsize()
            info, size = pipeline.execute()
            told.append(info)
            keys += size
    return _summary(told, keys)


def _summary(told: list[dict[str, Any]], keys: int) -> Server:
    first = told[0]

    def total(field: str) -> int:
        return sum(int(info.get(field, 0)) for info in told)

    def kilobytes(field: str) -> float:
        return sum(float(info.get(field, 0)) for info in told) * 1024

    valkey = first.get("valkey_version")
    return Server(
        name="Valkey" if valkey else "Redis",
        version=str(valkey or first["redis_version"]),
        role=str(first.get("role", "")),
        nodes=len(told),
        uptime=min(int(info.get("uptime_in_seconds", 0)) for info in told),
        memory=total("used_memory"),
        max_memory=total("maxmemory"),
        policy=str(first.get("maxmemory_policy", "noeviction")),
        keys=keys,
        clients=total("connected_clients"),
        hits=total("keyspace_hits"),
        misses=total("keyspace_misses"),
        evicted=total("evicted_keys"),
        expired=total("expired_keys"),
        commands_a_second=total("instantaneous_ops_per_sec"),
        bytes_in_a_second=kilobytes("instantaneous_input_kbps"),
        bytes_out_a_second=kilobytes("instantaneous_output_kbps"),
    )
