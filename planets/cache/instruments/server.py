"""What the servers say of themselves, for those who look after them. Nothing here fetches or fills.

What a server does not tell is None, and why is said in `unknown`: a managed Redis may know no INFO.
Of a cluster whose nodes do not all tell, a sum is None too: it would be a false one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from redis.exceptions import ResponseError

from ..storage.errors import Unavailable
from .nodes import Node, each, refusal

SUMMED = (
    *("memory", "keys", "clients", "hits", "misses", "evicted", "expired"),
    *("commands_a_second", "bytes_in_a_second", "bytes_out_a_second"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Sizes are bytes, times seconds. On a cluster, sizes and counts are sums over its nodes."""

    address: str = ""  # of one node; "" for a cluster
    name: str = "Redis"  # or Valkey
    version: str | None = None
    role: str | None = None  # master, or slave: a replica refuses fills and invalidations
    uptime: int | None = None  # of the node that was last started
    memory: int | None = None
    max_memory: int | None = None  # 0: no limit
    policy: str | None = None  # what it evicts when memory is full
    keys: int | None = None
    clients: int | None = None
    hits: int | None = None  # look-ups of any key by any client, gates among them
    misses: int | None = None
    evicted: int | None = None
    expired: int | None = None
    commands_a_second: float | None = None  # by Redis's own measure, just now
    bytes_in_a_second: float | None = None
    bytes_out_a_second: float | None = None
    answers: bool = True
    unknown: tuple[str, ...] = ()  # what it does not tell, and why: a line each
    parts: tuple[Self, ...] = ()  # of a cluster: its primaries

    @property
    def nodes(self) -> int:
        return len(self.parts) or 1

    @property
    def each(self) -> Sequence[Self]:
        """Those of a cluster, or the only one."""
        return self.parts or (self,)

    @property
    def memory_share(self) -> float | None:
        """Memory used of the limit, where there is one."""
        return self.memory / self.max_memory if self.memory and self.max_memory else None

    def as_dict(self) -> dict[str, Any]:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        found |= {"nodes": self.nodes, "unknown": list(self.unknown)}
        found["parts"] = [part.as_dict() for part in self.parts]
        return found


def server() -> Server:
    """One INFO and one DBSIZE a node. Raises Unavailable where no node answers at all."""
    asked = each(_ask)
    if all(found.trouble for found in asked):
        raise Unavailable(asked[0].trouble)
    parts = [
        found.answer or Server(address=found.node.address, answers=False, unknown=(found.away,))
        for found in asked
    ]
    return parts[0] if len(parts) == 1 else total(parts)


def _ask(node: Node) -> Server:
    pipeline = node.redis.pipeline(transaction=False)
    pipeline.info()
    pipeline.dbsize()
    info, size = pipeline.execute(raise_on_error=False)
    unknown = []
    if isinstance(info, ResponseError):
        unknown.append(f"{refusal(info)}: version, memory, eviction policy and counts are unknown")
        info = {}
    if isinstance(size, ResponseError):
        unknown.append(f"{refusal(size)}: how many keys there are is unknown")
        size = None
    return _of_info(node.address, info, size, unknown)


def _of_info(
    address: str, info: dict[str, Any], keys: int | None, unknown: Iterable[str]
) -> Server:
    def number(field: str) -> int | None:
        found = info.get(field)
        return None if found is None else int(found)

    def kilobytes(field: str) -> float | None:
        found = info.get(field)
        return None if found is None else float(found) * 1024

    valkey = info.get("valkey_version")
    version = valkey or info.get("redis_version")
    return Server(
        address=address,
        name="Valkey" if valkey else "Redis",
        version=version and str(version),
        role=info.get("role"),
        uptime=number("uptime_in_seconds"),
        memory=number("used_memory"),
        max_memory=number("maxmemory"),
        policy=info.get("maxmemory_policy"),
        keys=keys,
        clients=number("connected_clients"),
        hits=number("keyspace_hits"),
        misses=number("keyspace_misses"),
        evicted=number("evicted_keys"),
        expired=number("expired_keys"),
        commands_a_second=number("instantaneous_ops_per_sec"),
        bytes_in_a_second=kilobytes("instantaneous_input_kbps"),
        bytes_out_a_second=kilobytes("instantaneous_output_kbps"),
        unknown=tuple(unknown),
    )


def total(parts: Sequence[Server]) -> Server:
    """The nodes of a cluster as one; where they differ, each thing that does, with commas."""

    def of_all(field: str, one_of: Callable[[list[Any]], Any]) -> Any:
        found = [getattr(part, field) for part in parts]
        return None if None in found else one_of(found)

    def listed(found: Iterable[Any]) -> str:
        return ", ".join(sorted(set(map(str, found))))

    def limit(found: list[int]) -> int:
        return sum(found) if all(found) else 0  # a node without a limit leaves all without one

    return Server(
        name=listed(part.name for part in parts),
        version=of_all("version", listed),
        role=of_all("role", listed),
        policy=of_all("policy", listed),
        uptime=of_all("uptime", min),
        max_memory=of_all("max_memory", limit),
        **{field: of_all(field, sum) for field in SUMMED},
        answers=all(part.answers for part in parts),
        unknown=tuple(_unknown(parts)),
        parts=tuple(parts),
    )


def _unknown(parts: Sequence[Server]) -> Iterator[str]:
    """What all do not tell once, and the rest with the names of the nodes."""
    lines = dict.fromkeys(line for part in parts for line in part.unknown)
    for line in lines:
        silent = [part.address for part in parts if line in part.unknown]
        alone = len(silent) == len(parts) or silent[0] in line
        yield line if alone else f"{', '.join(silent)}: {line}"
