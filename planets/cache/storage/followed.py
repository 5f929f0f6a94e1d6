"""Whom the near tier follows: one server, or all primaries of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import ClusterDownError, MovedError, ResponseError

from . import greeting, topology
from .client import client
from .ear import Ear, Untracked
from .errors import is_forbidden
from .topology import Moved, View
from .wire import Command, Reply

Ask = Callable[[bool], Sequence[Command]]


def follow(redis: Any) -> OneServer | Primaries:
    """Those of a client. Raises FAILURES where a cluster cannot tell its nodes."""
    return Primaries(redis) if isinstance(redis, RedisCluster) else OneServer(redis)


class OneServer:
    """It is asked by the greeting: one that answers, and takes no writes, has nothing to push."""

    def __init__(self, redis: Any) -> None:
        self._pool = redis.connection_pool

    def servers(self) -> Iterator[tuple[Any, Ask]]:
        """The pool of each, and what makes the questions to it."""
        yield self._pool, lambda new: [client.greet(new=new)]

    def are_current(self) -> bool:
        """The settings still name them."""
        return self._pool is client.redis().connection_pool

    def heard(self, ear: Ear, answers: Sequence[Reply]) -> bool:
        """Whether by these answers anything may have changed that no push tells of."""
        greeting.hear(answers[0])
        return False

    def refused(self, error: ResponseError) -> Exception:
        """What is wrong where one of them refuses a question."""
        client.breaker.begin(str(error))
        return error


class Primaries:
    """Each is asked by the greeting of a node, and who the nodes are."""

    def __init__(self, redis: RedisCluster) -> None:
        self._redis = redis
        self._views: dict[Ear, View] = {}
        redis.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
        self._nodes = redis.get_primaries()

    def servers(self) -> Iterator[tuple[Any, Ask]]:
        for node in self._nodes:
            redis = self._redis.get_redis_connection(node)
            yield redis.connection_pool, partial(self._questions, node)

    def are_current(self) -> bool:
        return self._redis is client.redis()

    def heard(self, ear: Ear, answers: Sequence[Reply]) -> bool:
        """Raises Moved where these are no longer all primaries."""
        *greeted, told = answers
        greeting.hear_node(ear.questions[:-1], greeted)
        before, view = self._views.get(ear), View.of(told)
        self._views[ear] = view
        if len(self._views) == len(self._nodes):
            topology.agree(self._views.values())
        return before is not None and before.all != view.all

    def refused(self, error: ResponseError) -> Exception:
        if isinstance(error, MovedError | ClusterDownError):
            return Moved(str(error))
        if is_forbidden(error) and "cluster" in str(error).lower():
            return Untracked(f"this cluster does not tell its nodes ({error})")
        client.breaker.begin(str(error))
        return error

    def _questions(self, node: ClusterNode, new: bool) -> Sequence[Command]:
        slots = self._redis.nodes_manager.slots_cache

        def owns(slot: int) -> bool:
            return node in slots.get(slot, ())[:1]

        if not any(map(owns, slots)):
            raise Moved(f"{node.name} has no slot any more")
        return [*greeting.of_node(owns, new=new), topology.QUESTION]
