"""The one road to Redis: one round trip a call, short failures, and a breaker.

Everything else in the layer hands over commands and gets replies, or catches Unavailable and does
without.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from django.core.cache import caches
from django.core.signals import setting_changed
from django_redis import get_redis_connection
from django_redis.cache import RedisCache
from redis.cluster import RedisCluster
from redis.exceptions import RedisError, ResponseError

from ..conf import conf
from . import greeting
from .breaker import Breaker
from .cluster_wire import ClusterWire
from .debt import debt
from .errors import (
    FAILURES,
    Foreign,
    Misconfigured,
    NodeAway,
    Refused,
    Unavailable,
    is_final,
    is_full,
    words,
)
from .mistaken import mistake
from .owners import owners
from .pace import Pace
from .slots import clustered
from .wire import Command, Reply, Wire

logger = logging.getLogger(__name__)

Exchange = Callable[[Sequence[Command]], list[Reply]]
Answer = list[Reply] | Unavailable  # to what was posted


class Client:
    """A process's view of Redis: its wire, its breaker, and what it still owes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._straight = self._exchange  # with nobody in between: see `through`
        self.breaker = Breaker(self._attempt, self._mistake)
        self.pace = Pace(lambda: self._exchange([("PING",)]))
        self._redis: Any = None
        self._misconfigured = ""
        self._wire: Wire | ClusterWire | None = None

    @property
    def away(self) -> bool:
        """True while Redis is not asked: after failures, or while an invalidation is owed."""
        return self.breaker.now

    @property
    def avoided(self) -> str:
        """Why no fetch is to ask Redis now; "" where it may."""
        if not (self.breaker.reason or self.pace.reason):
            return ""
        if self.breaker.now:
            return "Redis is away"
        return "Redis is slower than the database" if self.pace.now else ""

    @property
    def debt(self) -> int:
        """How many commands of invalidation have yet to land."""
        return len(debt)

    @property
    def misconfigured(self) -> str:
        """Why CACHES has no Redis for the layer; "" where it has one."""
        if self._redis is None and not self.away:
            with suppress(Misconfigured, *FAILURES):
                self.redis()
        return self._misconfigured

    def redis(self) -> Any:
        """The redis-py client of django-redis.

        Raises Misconfigured, and one of FAILURES where a cluster cannot tell its nodes.
        """
        if self._misconfigured:
            raise Misconfigured(self._misconfigured)
        if self._redis is None:
            try:
                self._redis = _connect(conf().REDIS)
            except Misconfigured as error:
                self._misconfigured = str(error)
                logger.error("Nothing is cached: %s", error)
                raise
        return self._redis

    def call(self, *commands: Command) -> list[Reply]:
        """The replies to `commands`, in one round trip.

        A command that met a key of the wrong type has its ResponseError as its reply. Raises
        Unavailable where Redis is not reachable, Refused where it will not do one of them.
        """
        # Before fetches come back, writes do: what they make stale is gone when they return.
        if self.breaker.reason and self.away and not self.breaker.reached:
            raise Unavailable("Redis is away")
        started = time.perf_counter()
        try:
            replies = self._exchange(commands)
        except FAILURES as error:
            raise self._failed(error) from error
        finally:
            self.pace.round_trip(time.perf_counter() - started)
        self._judge(replies)
        return replies

    def _failed(self, error: Exception) -> Unavailable:
        """Begin what a failure begins; returns what to raise."""
        if isinstance(error, ResponseError):
            # It was greeted and refused: it cannot be told what is stale, so nothing of it is read.
            self.breaker.begin(str(error))
            return Refused(str(error))
        if isinstance(error, NodeAway):
            # Other nodes go on to answer, so it is counted by itself.
            if error.for_good:
                self.breaker.begin(str(error))
            return Unavailable(str(error))
        self.breaker.failed(error)
        return Unavailable(words(error))

    def _judge(self, replies: Sequence[Reply]) -> None:
        """Begin what a refusal begins. Raises Refused."""
        for reply in replies:
            if isinstance(reply, RedisError) and not str(reply).startswith("WRONGTYPE"):
                if is_final(reply):
                    self.breaker.begin(str(reply))
                elif not is_full(reply):
                    self.breaker.failed(reply)
                raise Refused(str(reply)) from reply
        self.breaker.succeeded()

    def post(self, commands: Sequence[Command], hear: Callable[[Answer], None]) -> bool:
        """Do `commands` without waiting; `hear` is told what came of them, once, by and by.

        False where that cannot be, and then nothing was done: where somebody stands between us and
        Redis, who is to see each round trip, on a cluster, and where Redis is away or slow. That a
        connection was lost begins nothing: whoever takes the next one finds out why.
        """

        def judged(replies: list[Reply] | Exception) -> None:
            if isinstance(replies, Exception):
                hear(Unavailable(words(replies)))
                return
            try:
                self._judge(replies)
            except Refused as error:
                hear(error)
            else:
                hear(replies)

        wire = self._wire
        if self._exchange != self._straight or self.breaker.reason or self.pace.reason:
            return False
        if not isinstance(wire, Wire) or wire.redis is not self._redis:
            return False
        try:
            wire.post(commands, judged)
        except FAILURES as error:
            hear(self._failed(error))
        return True

    def ask(self, *commands: Command) -> list[Reply]:
        """`call` for a read, which does without where Redis is slow: raises Unavailable there."""
        if (self.breaker.reason or self.pace.reason) and (reason := self.avoided):
            raise Unavailable(reason)
        return self.own(commands, self.call(*commands))

    def own(self, commands: Sequence[Command], replies: list[Reply]) -> list[Reply]:
        """The replies, where they are of this site's own databases. Raises Foreign.

        Who owns what, the greeting may have told in the same round trip.
        """
        if owners.others and (reason := owners.foreign(p for c in commands for p in c)):
            raise Foreign(reason)
        return replies

    def doubt(self) -> None:
        """Greet again at the next round trip."""
        if wire := self._wire:
            wire.doubt()

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
            self.breaker.begin(str(error))
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

    def greet(self, new: bool = True) -> Command:
        """What is asked first on every new connection, and again each second: see greeting.py."""
        return greeting.greeting(new=new)

    def reset(self) -> None:
        """The settings have changed: look into CACHES again."""
        self._redis, self._misconfigured = None, ""
        self.breaker.forget()
        owners.forget()
        self.doubt()
        self.pace.forget()

    def after_fork(self) -> None:
        """In a child: the parent's locks, threads and connections are not ours."""
        self._lock = threading.Lock()
        self._wire = None
        self.breaker.renew()
        self.pace.renew()

    def _exchange(self, commands: Sequence[Command]) -> list[Reply]:
        wire = self._wire
        if wire is None or wire.redis is not self._redis:
            wire = self._rewire(self.redis())
        return wire.exchange(commands)

    def _rewire(self, redis: Any) -> Wire | ClusterWire:
        with self._lock:
            if self._wire is None or self._wire.redis is not redis:
                if self._wire:
                    self._wire.close()
                cluster = isinstance(redis, RedisCluster)
                self._wire = (
                    ClusterWire(redis) if cluster else Wire(redis, self.greet, greeting.hear)
                )
            return self._wire

    def _attempt(self) -> int:
        """What the breaker does to reach Redis again: rehearse, and pay the debt."""
        owed = debt.owed()
        if self._wire:
            self._wire.distrust()
        for reply in self._exchange([("PING",), *greeting.rehearsal(), *owed]):
            if isinstance(reply, RedisError) and not is_full(reply):
                raise reply
        debt.pay(owed)
        return len(owed)

    def _mistake(self, error: Exception) -> str:
        """What is wrong with the address, where an attempt has failed for that."""
        return str(mistake(self._redis, error) or "")


def _connect(alias: str) -> Any:
    """The redis-py client of a cache of django-redis. Raises Misconfigured and FAILURES."""
    try:
        redis = get_redis_connection(alias)
    except NotImplementedError:
        cache: Any = caches[alias]
        if isinstance(cache, RedisCache):
            wrong = f"has a {type(cache.client).__name__}, and all keys must lie in one Redis"
        else:
            wrong = f"is a {type(cache).__name__}, and must be a cache of django-redis"
        raise Misconfigured(f"CACHES[{alias!r}] {wrong}") from None
    except FAILURES:
        raise
    except Exception as error:  # whatever a backend raises for what is written in CACHES
        raise Misconfigured(f"CACHES[{alias!r}] cannot be used: {error}") from error
    cluster = isinstance(redis, RedisCluster)
    if cluster and not clustered():
        raise Misconfigured(
            f"CACHES[{alias!r}] is a Redis Cluster, and its CONNECTION_FACTORY does not say so: "
            "use cluster.ClusterConnectionFactory of this app, or give yours `cluster = True`"
        )
    if cluster and "{" in conf().PREFIX:
        raise Misconfigured(
            f"CACHE_ASIDE['PREFIX'] is {conf().PREFIX!r}, which puts all keys onto one node of the "
            "Redis Cluster: leave the braces out"
        )
    options = redis.get_connection_kwargs() if cluster else redis.connection_pool.connection_kwargs
    if options.get("decode_responses"):
        raise Misconfigured(
            f"CACHES[{alias!r}] has decode_responses on, and entries are bytes: switch it off"
        )
    return redis


client = Client()
owners.changed = client.doubt


def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting in ("CACHES", "CACHE_ASIDE"):
        client.reset()


os.register_at_fork(after_in_child=client.after_fork)
setting_changed.connect(_reset)
