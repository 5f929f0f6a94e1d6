"""However a load or a fill ends, nobody waits for the lease of who has gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from redis.exceptions import TimeoutError as RedisTimeoutError

from planets.cache import stats
from planets.cache.events import Fetch
from planets.cache.reading import filling, path
from planets.cache.storage.client import Command, Reply, client
from tests.cache.zoo.electra import OLD, both, by_query, by_record
from tests.support.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

READS = pytest.mark.parametrize("read", [by_query, by_record])


def leases(redis: Any) -> list[Any]:
    return list(redis.scan_iter("lease:*"))


class Interrupted(BaseException):
    """As gevent's Timeout, or what a handler of SIGALRM raises."""


@READS
@pytest.mark.parametrize(
    "error",
    [DatabaseError, KeyboardInterrupt, GeneratorExit, SystemExit, MemoryError, Interrupted],
)
def test_a_load_that_raises(
    redis: Any, read: Callable[[], str], error: type[BaseException]
) -> None:
    def interrupt(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        assert leases(redis)
        raise error

    with connection.execute_wrapper(interrupt), pytest.raises(error):
        read()
    assert leases(redis) == []
    assert read() == OLD


def giving_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {}


def giving_what_cannot_be_told(values: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(values, object())


@READS
@pytest.mark.parametrize("give", [giving_nothing, giving_what_cannot_be_told])
def test_a_load_that_gives_something_else(
    redis: Any, read: Callable[[], str], give: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = path.timed
    with monkeypatch.context() as patch:
        patch.setattr(path, "timed", lambda values, *others: timed(give(values), *others))
        with pytest.raises((KeyError, TypeError)):
            read()
    assert leases(redis) == []
    assert read() == OLD


@READS
def test_a_fill_that_is_interrupted(
    redis: Any,
    read: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = client._exchange

    def interrupted(commands: Sequence[Command]) -> list[Reply]:
        if len(commands) == 1 and "Stores" in str(commands[0][1]):
            raise KeyboardInterrupt
        return exchange(commands)

    with monkeypatch.context() as patch:
        patch.setattr(client, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read()
    assert leases(redis) == []


@READS
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RedisTimeoutError("too late")])
def test_a_claim_whose_answer_is_lost(
    redis: Any,
    read: Callable[[], str],
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = client._exchange

    def losing(commands: Sequence[Command]) -> list[Reply]:
        replies = exchange(commands)
        if any("Takes the lease" in str(command[1]) for command in commands):
            assert leases(redis)
            raise error
        return replies

    with monkeypatch.context() as patch:
        patch.setattr(client, "_exchange", losing)
        if isinstance(error, Exception):
            assert read() == OLD
        else:
            with pytest.raises(KeyboardInterrupt):
                read()
    assert leases(redis) == []


# --- a full Redis that evicts nothing


@READS
def test_a_full_one_is_asked_loaded_past_and_not_waited_for(
    own: Redis,
    read: Callable[[], str],
    events: list[Fetch],
) -> None:
    with own.client() as direct:
        direct.config_set("maxmemory", 1)
        for _ in range(3):
            assert read() == OLD
            assert leases(direct) == []
        assert all(event.reason.startswith("not stored") for event in events)
        assert not client.away


@READS
def test_one_that_is_full_by_the_time_of_the_fill_gives_the_lease_back_itself(
    own: Redis,
    read: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The filler may not come to give it back: it is killed, or Redis is gone for it."""
    load_missing = path.load_missing

    def fills_up(*args: Any) -> path.Loaded:
        with own.client() as direct:
            direct.config_set("maxmemory", 1)
        return load_missing(*args)

    monkeypatch.setattr(path, "load_missing", fills_up)
    monkeypatch.setattr(filling, "release", lambda keys, token: None)
    assert read() == OLD
    with own.client() as direct:
        assert leases(direct) == []


def test_many_at_once_before_a_full_one_wait_for_nobody_in_vain(
    own: Redis,
    settings: Any,
) -> None:
    # Whoever gives up waiting has waited for a fill that never came.
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "LEASE": 60, "LEASE_WAIT": 60}
    gave_up = stats.counts().get(("lease", "gave up"), 0)
    with own.client() as direct:
        direct.config_set("maxmemory", 1)
        together = threading.Barrier(8)
        seen: list[set[str]] = []

        def work() -> None:
            together.wait(30)
            for _ in range(10):
                seen.append(both())
            connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert seen == [{OLD}] * 80
        assert leases(direct) == []
    assert stats.counts().get(("lease", "gave up"), 0) == gave_up
