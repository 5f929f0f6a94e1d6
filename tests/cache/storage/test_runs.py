"""A Redis that has gone back in time: restored, or demoted and promoted again."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage import gates, greeting, keys, wire
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process
from tests.support.outage import another_redis
from tests.support.redis_replica import follow
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def everything() -> str:
    """The gate of all; the database gets its name when the tests begin."""
    return keys.database_gate("default")


@pytest.fixture
def durable(settings: Any) -> Iterator[Redis]:
    """A Redis that comes back with what it had when it was last saved."""
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    with another_redis(settings, tcp=True, dbfilename="dump.rdb") as server:
        yield server


def permit(server: Redis, rule: str) -> None:
    with server.client() as direct:
        direct.execute_command("ACL", "SETUSER", "default", rule)


def save(server: Redis) -> None:
    with server.client() as direct:
        direct.save()


def generation(server: Redis) -> Any:
    with server.client() as direct:
        return gates.generation(direct.get(everything()))


def connect_anew() -> None:
    client.redis().connection_pool.disconnect()


@contextmanager
def hearing(events: list[Fetch]) -> Iterator[list[Fetch]]:
    events.clear()
    yield events


# --- restored from a file


@pytest.mark.parametrize("rule", ["+@all", "+@all -info"])
def test_one_that_was_restored_is_not_believed(settings: Any, tmp_path: Path, rule: str) -> None:
    users = tmp_path / "users.acl"
    users.write_text(f"user default on nopass ~* &* {rule}\n")
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    with another_redis(settings, dbfilename="dump.rdb", aclfile=users) as server:
        assert both() == both() == {OLD}
        save(server)
        rename()  # lands, and will be forgotten
        server.restart(signal.SIGKILL)
        wait_until(lambda: not client.away)
        assert both() == {NEW}
        with another_process() as fresh:
            assert fresh.do(both) == {NEW}


def test_where_the_run_is_known_a_new_connection_costs_nothing(
    durable: Redis,
    events: list[Fetch],
) -> None:
    both()
    before = generation(durable)
    connect_anew()
    with another_process() as fresh:
        assert fresh.do(
            both,
        ) == {OLD}
    assert generation(durable) == before
    with hearing(events):
        assert both() == {OLD}
    assert {event.outcome for event in events} == {"hit"}


def test_where_it_is_not_a_new_connection_makes_all_unreachable_and_an_old_one_nothing(
    durable: Redis,
    events: list[Fetch],
    caplog: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(greeting, "_told", set())
    monkeypatch.setattr(wire, "WORD", 0)  # greeted in every round trip
    permit(durable, "-info")
    with caplog.at_level(logging.WARNING, "planets.cache.storage.greeting"):
        both()
        with hearing(events):
            both()
        assert {event.outcome for event in events} == {"hit"}
        before = generation(durable)
        connect_anew()
        with hearing(events):
            both()
        assert {event.outcome for event in events} == {"miss"}
        assert generation(durable) != before
    assert len(caplog.records) == 1
    assert "ACL SETUSER <user> +info" in caplog.text


def test_two_users_of_whom_one_may_ask_do_not_undo_each_others(
    durable: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "WORD", 0)
    both()
    before = generation(durable)
    permit(durable, "-info")
    assert both() == {OLD}
    permit(durable, "+info")
    assert both() == {OLD}
    assert generation(durable) == before


# --- demoted and promoted again


def there_and_back(first: Redis) -> None:
    """A failover to a replica and back again, of which the first server keeps its run id.

    What was written meanwhile is in neither.
    """
    with Redis(tcp=True) as second, first.client() as a, second.client() as b:
        follow(b, first)
        b.replicaof("NO", "ONE")  # a partition: nobody tells it of what follows
        rename()
        follow(a, second)
        a.replicaof("NO", "ONE")


def test_a_failover_there_and_back_is_noticed_on_a_new_connection(
    durable: Redis,
) -> None:
    assert both() == both() == {OLD}
    with another_process() as other:
        there_and_back(durable)
        assert other.do(both) == {NEW}
    connect_anew()
    assert both() == {NEW}


@pytest.mark.parametrize("near_tier", [False, True], ids=["", "near"])
def test_and_on_one_that_has_lasted(
    durable: Redis,
    near_tier: bool,
) -> None:
    with another_process(NEAR=near_tier) as reader:
        assert reader.do(both) == reader.do(both) == {OLD}
        there_and_back(durable)
        # Where it reads on all the while, its next greeting tells it.
        wait_until(lambda: reader.do(both) == {NEW})


# --- where the run is kept


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-lfu", "volatile-lfu"])
def test_what_names_the_run_is_not_evicted_before_what_is_read(
    own: Redis,
    policy: str,
    events: list[Fetch],
) -> None:
    with own.client() as direct:
        both()
        # No key that nobody reads: it would be the first to go.
        read = (b"sql:", b"gen:", b"star:", b"owner:")  # the last with each greeting
        assert all(key.startswith(read) for key in direct.scan_iter())
        direct.config_set("maxmemory-policy", policy)
        direct.config_set("maxmemory-samples", 64)
        direct.config_set("maxmemory", direct.info("memory")["used_memory"] + 400_000)
        before = generation(own)
        direct.set("sql:noise", "x" * 1000)
        noise = direct.dump("sql:noise")
        idle = ["IDLETIME", 1000] if policy.endswith("lru") else ["FREQ", 1]
        for number in range(40):  # some megabytes that nobody reads
            pipeline = direct.pipeline(transaction=False)
            for name in range(100):
                pipeline.execute_command("RESTORE", f"sql:{number}-{name}", 60_000, noise, *idle)
            pipeline.execute()
            both()
        assert direct.info("stats")["evicted_keys"] > 1000
        connect_anew()
        both()
        assert generation(own) == before
        with hearing(events):
            both()
        assert {event.outcome for event in events} == {"hit"}


def test_a_gate_of_an_older_release_is_replaced(
    own: Redis,
) -> None:
    with own.client() as direct:
        direct.set(everything(), "o:0123456789abcdef")
        connect_anew()
        both()
        assert generation(own) != "0123456789abcdef"


def test_a_closed_gate_is_left_to_its_writer(
    own: Redis,
) -> None:
    with own.client() as direct:
        direct.set(everything(), "w:somebody@99999999999999", px=60_000)
        assert both() == {OLD}
        assert direct.get(everything()) == b"w:somebody@99999999999999"
