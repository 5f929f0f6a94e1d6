"""The one road to Redis: one round trip a call, short failures, and a breaker.

Everything else in the layer hands over commands and gets replies, or catches Unavailable and does
without.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.core.signals import setting_changed
from django.db import connections
from django_redis import get_redis_connection
from redis.cluster import RedisCluster
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError

from . import keys
from .conf import conf
from .wire import ClusterWire, Command, Reply, Wire

logger = logging.getLogger(__name__)

Exchange = Callable[[Sequence[Command]], list[Reply]]

# A Redis that is full, a replica, or cannot save still serves reads, so these open no breaker.
WRITES_REFUSED = (OutOfMemoryError, ReadOnlyError)
WRITES_REFUSED_WORDS = ("MISCONF", "NOREPLICAS")
# Above this the debt of an outage is one gate a database rather than each key.
MAX_DEBT = 10_000


class Unavailable(Exception):
    """Redis did not answer, or is not being asked. The caller does without it."""


class Refused(Unavailable):
    """Redis answered that it will not do that (full, read-only, loading, no permission ...)."""


@cache
def script(name: str) -> str:
    """The text of lua/<name>.lua. It is sent whole: a restarted Redis has forgotten every SHA."""
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


def run(name: str, keys: Sequence[str], *args: Any) -> Command:
    """The command that runs a script."""
    return ("EVAL", script(name), len(keys), *keys, *args)


class Client:
    """A process's view of Redis: its wire, its breaker, and what it still owes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._away = False
        self._debt: dict[Command, None] = {}
        self._recovery: threading.Thread | None = None
        self._redis: Any = None
        self._wire: Wire | ClusterWire | None = None

    @property
    def away(self) -> bool:
        """True while Redis is not asked: after failures, or while an invalidation is owed."""
        if self._away:
            self._recover()
        return self._away

    @property
    def debt(self) -> int:
        """How many commands of invalidation have yet to land."""
        return len(self._debt)

    def redis(self) -> Any:
        """The redis-py client of django-redis."""
        if self._redis is None:
            self._redis = get_redis_connection(conf().REDIS)
        return self._redis

    def call(self, *commands: Command) -> list[Reply]:
        """The replies to `commands`, in one round trip.

        A command that met a key of the wrong type has its ResponseError as its reply. Raises
        Unavailable where Redis cannot be had, Refused where it will not do one of them.
        """
        if self.away:
            raise Unavailable("Redis is away")
        try:
            replies = self._exchange(commands)
        except (RedisError, OSError) as error:
            self._failed(error)
            raise Unavailable(str(error)) from error
        for reply in replies:
            if isinstance(reply, RedisError) and not str(reply).startswith("WRONGTYPE"):
                if not isinstance(reply, WRITES_REFUSED) and not str(reply).startswith(
                    WRITES_REFUSED_WORDS
                ):
                    self._failed(reply)
                raise Refused(str(reply)) from reply
        self._failures = 0
        return replies

    def insist(self, commands: Sequence[Command]) -> bool:
        """Do `commands` now; where that fails owe them, and trust nothing until they are paid.

        No two calls may have a command in common: what one has paid the other still owes. Returns
        whether they landed now.
        """
        try:
            self.call(*commands)
        except Unavailable as error:
            with self._lock:
                self._debt.update(dict.fromkeys(commands))
                if len(self._debt) > MAX_DEBT:
                    gates = {keys.everything(alias) for alias in connections}
                    self._debt = {
                        run("hold", [gate], secrets.token_hex(8), 0): None for gate in gates
                    }
            self._leave(error)
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
                self._wire = ClusterWire(redis) if cluster else Wire(redis, self._recall)
            return self._wire

    def _recall(self) -> Command:
        """What is asked first on every new connection: see lua/recall.lua."""
        gates = {keys.run(alias): keys.everything(alias) for alias in connections}
        return run("recall", [key for pair in gates.items() for key in pair], keys.GATE_MS)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= conf().BREAKER_FAILURES:
            self._leave(error)

    def _leave(self, error: Exception) -> None:
        with self._lock:
            if not self._away:
                self._away = True
                logger.warning("Redis is left alone: %s; pages come from the database", error)
        self._recover()

    def _recover(self) -> None:
        """See to it that a thread tries to reach Redis; after a fork the parent's is gone."""
        with self._lock:
            if self._away and not (self._recovery and self._recovery.is_alive()):
                self._recovery = threading.Thread(
                    target=self._try_until_back, name="cache-aside-recovery", daemon=True
                )
                self._recovery.start()

    def _try_until_back(self) -> None:
        while True:
            try:
                with self._lock:
                    owed = list(self._debt)
                for reply in self._exchange([("PING",), *owed]):
                    if isinstance(reply, RedisError):
                        raise reply
            except (RedisError, OSError):
                time.sleep(conf().BREAKER_PROBE)
                continue
            with self._lock:
                for command in owed:
                    self._debt.pop(command, None)
                if not self._debt:
                    self._away = False
                    self._failures = 0
                    self._recovery = None
                    logger.warning("Redis is back: %d owed invalidations have landed", len(owed))
                    return


client = Client()


def _after_fork() -> None:
    # What the parent owes the child owes too: it knows of the same writes.
    client._lock = threading.Lock()
    client._wire = None


def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting in ("CACHES", "CACHE_ASIDE"):
        client._redis = None


os.register_at_fork(after_in_child=_after_fork)
setting_changed.connect(_reset)
