"""The one road to Redis: one round trip a call, short failures, and a breaker.

Everything else in the layer hands over commands and gets replies, or catches Unavailable and does
without.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.cache import caches
from django.core.signals import setting_changed
from django.db import connections
from django_redis import get_redis_connection
from django_redis.cache import RedisCache
from redis.cluster import RedisCluster
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from ..conf import conf
from . import keys
from .breaker import Breaker
from .debt import debt
from .errors import Misconfigured, Refused, Unavailable
from .scripts import script
from .wire import ClusterWire, Command, Reply, Wire

logger = logging.getLogger(__name__)

Exchange = Callable[[Sequence[Command]], list[Reply]]

# A Redis that is full, a replica, or cannot save still serves reads, so these open no breaker.
WRITES_REFUSED = (OutOfMemoryError, ReadOnlyError)
WRITES_REFUSED_WORDS = ("MISCONF", "NOREPLICAS")


class Client:
    """A process's view of Redis: its wire, its breaker, and what it still owes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.breaker = Breaker(self._attempt)
        self._redis: Any = None
        self._misconfigured = ""
        self._wire: Wire | ClusterWire | None = None

    @property
    def away(self) -> bool:
        """True while Redis is not asked: after failures, or while an invalidation is owed."""
        return self.breaker.away

    @property
    def debt(self) -> int:
        """How many commands of invalidation have yet to land."""
        return len(debt)

    @property
    def misconfigured(self) -> str:
        """Why CACHES has no Redis for the layer; "" where it has one."""
        if self._redis is None and not self._misconfigured:
            try:
                self._redis = _connect(conf().REDIS)
            except Misconfigured as error:
                self._misconfigured = str(error)
                logger.error("Nothing is cached: %s", error)
        return self._misconfigured

    def redis(self) -> Any:
        """The redis-py client of django-redis. Raises Misconfigured."""
        if reason := self.misconfigured:
            raise Misconfigured(reason)
        return self._redis

    def call(self, *commands: Command) -> list[Reply]:
        """The replies to `commands`, in one round trip.

        A command that met a key of the wrong type has its ResponseError as its reply. Raises
        Unavailable where Redis is not reachable, Refused where it will not do one of them.
        """
        if self.away:
            raise Unavailable("Redis is away")
        try:
            replies = self._exchange(commands)
        except (RedisError, OSError) as error:
            self.breaker.failed(error)
            raise Unavailable(str(error)) from error
        for reply in replies:
            if isinstance(reply, RedisError) and not str(reply).startswith("WRONGTYPE"):
                if not isinstance(reply, WRITES_REFUSED) and not str(reply).startswith(
                    WRITES_REFUSED_WORDS
                ):
                    self.breaker.failed(reply)
                raise Refused(str(reply)) from reply
        self.breaker.succeeded()
        return replies

    def insist(self, commands: Sequence[Command]) -> bool:
        """Do `commands` now; where that fails owe them, and trust nothing until they are paid.

        No two calls may have a command in common: what one has paid the other still owes. Returns
        whether they landed now.
        """
        try:
            self.call(*commands)
        except Misconfigured:
            return False  # nothing of this process can be in a Redis that it does not have
        except Unavailable as error:
            debt.add(commands)
            self.breaker.leave(error)
            return False
        return True

    @contextmanager
    def through(
        self, exchange: Callable[[Exchange, Sequence[Command]], list[Reply]]
    ) -> Iterator[None]:
        """Within it each round trip of this process is `exchange(usual, commands)`: to measure."""
        usual = self._exchange
        self._exchange = partial(exchange, usual)  # type: ignore[method-assign]
        try:
            yield
        finally:
            self._exchange = usual  # type: ignore[method-assign]

    def greet(self) -> Command:
        """What is asked first on every new connection: see lua/recall.lua."""
        gates = {keys.server_run(alias): keys.database_gate(alias) for alias in connections}
        return script("recall", [key for pair in gates.items() for key in pair], keys.GATE_MS)

    def reset(self) -> None:
        """The settings have changed: look into CACHES again."""
        self._redis, self._misconfigured = None, ""

    def after_fork(self) -> None:
        """In a child: the parent's locks, threads and connections are not ours."""
        self._lock = threading.Lock()
        self._wire = None
        self.breaker.renew_lock()

    def _exchange(self, commands: Sequence[Command]) -> list[Reply]:
        wire, redis = self._wire, self.redis()
        if wire is None or wire.redis is not redis:
            wire = self._rewire(redis)
        return wire.exchange(commands)

    def _rewire(self, redis: Any) -> Wire | ClusterWire:
        with self._lock:
            if self._wire is None or self._wire.redis is not redis:
                if self._wire:
                    self._wire.close()
                cluster = isinstance(redis, RedisCluster)
                self._wire = ClusterWire(redis) if cluster else Wire(redis, self.greet)
            return self._wire

    def _attempt(self) -> int | None:
        """What the breaker does to reach Redis again: pay the debt. See Breaker."""
        owed = debt.owed()
        for reply in self._exchange([("PING",), *owed]):
            if isinstance(reply, RedisError):
                raise reply
        return len(owed) if debt.pay(owed) else None


def _connect(alias: str) -> Any:
    """The redis-py client of a cache of django-redis. Raises Misconfigured."""
    try:
        redis = get_redis_connection(alias)
    except NotImplementedError:
        cache: Any = caches[alias]
        if isinstance(cache, RedisCache):
            wrong = f"has a {type(cache.client).__name__}, and all keys must lie in one Redis"
        else:
            wrong = f"is a {type(cache).__name__}, and must be a cache of django-redis"
        raise Misconfigured(f"CACHES[{alias!r}] {wrong}") from None
    except Exception as error:  # whatever a backend raises for what is written in CACHES
        raise Misconfigured(f"CACHES[{alias!r}] cannot be used: {error}") from error
    pool = getattr(redis, "connection_pool", None)  # a cluster has one for each node
    if pool and pool.connection_kwargs.get("decode_responses"):
        raise Misconfigured(
            f"CACHES[{alias!r}] has decode_responses on, and entries are bytes: switch it off"
        )
    return redis


client = Client()


def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting in ("CACHES", "CACHE_ASIDE"):
        client.reset()


os.register_at_fork(after_in_child=client.after_fork)
setting_changed.connect(_reset)
