"""The servers that hold the keys, one by one: a single Redis, or the primaries of a cluster.

It asks over redis-py rather than by client.call: a command that an operator's Redis does not know,
or forbids, must not open the breaker that the pages depend on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from redis.cluster import RedisCluster
from redis.exceptions import ResponseError

from ..storage.client import client
from ..storage.errors import FAILURES, Refused, Unavailable, is_forbidden

T = TypeVar("T")

AT_ONCE = 32  # nodes that are asked at the same time
REFUSED = re.compile(r"'([\w|]+)'|`(\w+)`")


class Node(NamedTuple):
    """A server, and a redis-py client that speaks to it alone."""

    address: str  # host:port, or the path of a socket
    redis: Any


class Asked(NamedTuple):
    """What a node answered, or why it did not."""

    node: Node
    answer: Any = None
    trouble: str = ""

    @property
    def away(self) -> str:
        """In a line: which node, and why."""
        return f"{self.node.address} is away: {self.trouble}"


@contextmanager
def asking() -> Iterator[Any]:
    """A redis-py client; within, any failure of Redis is Unavailable, a refusal is Refused."""
    try:
        yield client.redis()
    except ResponseError as error:
        raise Refused(refusal(error)) from error
    except FAILURES as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def refusal(error: ResponseError) -> str:
    """In a few words, what a server has refused."""
    if is_forbidden(error) and (found := REFUSED.search(str(error))):
        return f"Redis refuses {(found[1] or found[2]).upper().replace('|', ' ')}"
    return f"Redis answered: {error}"


def nodes(redis: Any) -> list[Node]:
    """Those of a client, by their addresses."""
    if isinstance(redis, RedisCluster):
        found = [Node(n.name, redis.get_redis_connection(n)) for n in redis.get_primaries()]
        return sorted(found, key=lambda node: node.address)
    told = redis.connection_pool.connection_kwargs
    address = told.get("path") or f"{told.get('host', 'localhost')}:{told.get('port', 6379)}"
    return [Node(str(address), redis)]


def holder(redis: Any, key: bytes) -> Any:
    """A client of the server that has a key: redis-py leads not every command to the right one."""
    if isinstance(redis, RedisCluster):
        return redis.get_redis_connection(redis.get_node_from_key(key))
    return redis


def each(ask: Callable[[Node], T]) -> list[Asked]:
    """`ask` of every node, of all at once: one that is silent costs its timeout and no more.

    Raises Unavailable where not even the nodes are known.
    """

    def asked(node: Node) -> Asked:
        try:
            return Asked(node, ask(node))
        except ResponseError as error:
            return Asked(node, trouble=refusal(error))
        except FAILURES as error:
            return Asked(node, trouble=f"{type(error).__name__}: {error}")

    with asking() as redis:
        found = nodes(redis)
    if len(found) == 1:
        return [asked(found[0])]
    with ThreadPoolExecutor(min(len(found), AT_ONCE)) as threads:
        return list(threads.map(asked, found))


def away() -> dict[str, str]:
    """Of the nodes that do not answer, by address, why."""
    try:
        asked = each(lambda node: node.redis.ping())
    except Unavailable as error:
        return {"every node": str(error)}
    return {found.node.address: found.trouble for found in asked if found.trouble}
