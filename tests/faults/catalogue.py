"""The faults: what is done to real servers, and what freshness.md allows meanwhile."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planets.cache.storage.ear import SILENCE
from planets.cache.storage.wire import WORD

from .stage import Stage, again_and_again, wait_for

Strike = Callable[[Stage], AbstractContextManager[None]]

AT_ONCE = 0.0
# Others notice at their next greeting, and come back when who owes has paid; and as long again for
# a page that was on its way.
GREETED = 2 * WORD


@dataclass(frozen=True)
class Fault:
    """One row. `bound` is seconds in which what was before a write may yet be shown."""

    name: str
    strike: Strike
    bound: float = AT_ONCE
    by_relay: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def nothing(stage: Stage) -> Iterator[None]:
    yield


@contextmanager
def redis_stopped(stage: Stage) -> Iterator[None]:
    stage.redis.stop()
    yield
    stage.redis.start()


@contextmanager
def redis_silent(stage: Stage) -> Iterator[None]:
    stage.redis.pause()
    yield
    stage.redis.resume()


@contextmanager
def redis_slow(stage: Stage) -> Iterator[None]:
    stage.relay.delay = 0.2
    yield
    stage.relay.delay = 0


@contextmanager
def configured(stage: Stage, **values: Any) -> Iterator[None]:
    with stage.direct() as redis:
        usual = {name: redis.config_get(name)[name] for name in values}
        for name, value in values.items():
            redis.config_set(name, value)
        yield
        for name, value in usual.items():
            redis.config_set(name, value)


@contextmanager
def redis_full(stage: Stage) -> Iterator[None]:
    with stage.direct() as redis:
        redis.execute_command("FLUSHALL")
    with configured(stage, **{"maxmemory-policy": "noeviction", "maxmemory": 1}):
        yield


@contextmanager
def replica(stage: Stage) -> Iterator[None]:
    with stage.direct() as redis:
        redis.replicaof("127.0.0.1", 1)
        yield
        redis.replicaof("NO", "ONE")


@contextmanager
def cannot_save(stage: Stage) -> Iterator[None]:
    with configured(stage, save="3600 1"), stage.direct() as redis:
        file = Path(redis.config_get("dir")["dir"]) / "dump.rdb"
        file.mkdir()
        (file / "in-the-way").touch()
        redis.bgsave()
        wait_for(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")
        yield
        (file / "in-the-way").unlink()
        file.rmdir()


def forbidding(rule: str) -> Strike:
    @contextmanager
    def strike(stage: Stage) -> Iterator[None]:
        with stage.direct() as redis:
            redis.execute_command("ACL", "SETUSER", "default", rule)
            redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            yield
            redis.execute_command("ACL", "SETUSER", "default", "+@all")

    return strike


@contextmanager
def evicting(stage: Stage) -> Iterator[None]:
    """Others fill it with more than it holds."""
    with stage.direct() as redis:
        room = redis.info("memory")["used_memory"] + 300_000
        rounds = iter(range(10**9))

        def fill() -> None:
            pipeline, number = redis.pipeline(transaction=False), next(rounds)
            for name in range(200):
                pipeline.set(f"another's:{number}:{name}", "x" * 1000, ex=600)
            pipeline.execute()

        with (
            configured(stage, **{"maxmemory-policy": "allkeys-lru", "maxmemory": room}),
            again_and_again(fill, 0.05),
        ):
            yield


@contextmanager
def flapping(stage: Stage) -> Iterator[None]:
    """There for a second, silent for the next."""

    def blink() -> None:
        stage.redis.pause()
        time.sleep(1)
        stage.redis.resume()

    with again_and_again(blink, 1):
        yield


@contextmanager
def there_and_back(stage: Stage) -> Iterator[None]:
    """A failover to a replica that is cut off, and back: what was written meanwhile is in none."""
    first, second = stage.redis, stage.another_redis()
    with first.client() as a, second.client() as b:
        a.config_set("repl-diskless-sync-delay", 0)
        b.config_set("repl-diskless-sync-delay", 0)
        b.replicaof("127.0.0.1", first.port)
        wait_for(lambda: _follows(b))
        b.replicaof("NO", "ONE")
        time.sleep(1)  # in which the first goes on and is written to
        a.replicaof("127.0.0.1", second.port)
        wait_for(lambda: _follows(a))
        a.replicaof("NO", "ONE")
        yield


def _follows(redis: Any) -> bool:
    told = redis.info("replication")
    return told["role"] == "slave" and told["master_link_status"] == "up"


@contextmanager
def restored(stage: Stage) -> Iterator[None]:
    """Killed, and started again from what it saved a second before."""
    with stage.direct() as redis:
        redis.save()
    time.sleep(1)
    stage.redis.restart(signal.SIGKILL)
    yield


@contextmanager
def flushed(stage: Stage) -> Iterator[None]:
    with (
        stage.direct() as redis,
        again_and_again(lambda: redis.execute_command("FLUSHALL"), 0.5),
    ):
        yield


@contextmanager
def database_stopped(stage: Stage) -> Iterator[None]:
    stage.mariadb.stop()
    yield
    stage.mariadb.start()


@contextmanager
def database_silent(stage: Stage) -> Iterator[None]:
    stage.mariadb.pause()
    yield
    stage.mariadb.resume()


NEAR = {"CACHE_NEAR": "on"}
IMPATIENT = {"DB_TIMEOUT": "2"}

FAULTS = [
    Fault("none", nothing),
    Fault("Redis stopped", redis_stopped),
    Fault("Redis silent (SIGSTOP)", redis_silent, GREETED),
    Fault("Redis slow, 200 ms a round trip", redis_slow, by_relay=True),
    Fault("Redis full, `noeviction`", redis_full),
    Fault("Redis a read-only replica", replica, GREETED),
    Fault("Redis cannot save (MISCONF)", cannot_save, GREETED),
    Fault("an ACL without INFO", forbidding("-info")),
    Fault("an ACL that forbids writes", forbidding("-@write"), GREETED),
    Fault("Redis evicts, `allkeys-lru`", evicting),
    Fault("Redis flaps, a second each", flapping, GREETED),
    Fault("failover there and back", there_and_back, GREETED),
    Fault("Redis restored from a file", restored),
    Fault("FLUSHALL, twice a second", flushed),
    Fault("database stopped", database_stopped, settings=IMPATIENT),
    Fault("database silent (SIGSTOP)", database_silent, settings=IMPATIENT),
    Fault("near on", nothing, SILENCE, settings=NEAR),
    Fault("near on, Redis silent", redis_silent, GREETED, settings=NEAR),
    Fault("near on, a read-only replica", replica, GREETED, settings=NEAR),
    Fault("near on, failover there and back", there_and_back, GREETED, settings=NEAR),
]
