"""What is loaded from a replica, what from its primary, and what that costs."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from planets.cache.checks.replicas import check_replicas
from planets.cache.events import Fetch
from planets.cache.instruments.audit import Audit, Hit
from planets.cache.reading import applied, replicas
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.storage.position import UNKNOWN, position
from planets.cache.writing import primary
from planets.cache.writing.observer import witnesses
from tests.cache.zoo.electra import NEW, OLD, both, by_query, by_record, rename
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.interleave import committed, elsewhere
from tests.support.outage import another_redis
from tests.support.replicated import Pair
from tests.support.watched import NAME

pytestmark = pytest.mark.mysql

READS = pytest.mark.parametrize("read", [by_query, by_record])


@pytest.fixture
def loads() -> Iterator[list[str]]:
    """The aliases over which tables are read, from here on."""
    found: list[str] = []

    def witness(alias: str, statement: Any, *args: Any) -> Any:
        if statement.kind == "read" and statement.tables:
            found.append(alias)
        return args[-1]()

    witnesses.append(witness)
    yield found
    witnesses.remove(witness)


@pytest.fixture
def behind(pair: Pair, loads: list[str]) -> Pair:
    """A replica that has not applied the last write."""
    both()
    pair.lag()
    rename()
    loads.clear()
    return pair


@READS
def test_while_a_write_is_in_flight(pair: Pair, loads: list[str], read: Any) -> None:
    """What is loaded while a gate is closed may be of after an earlier write that was closed."""
    both()
    pair.lag()
    with committed(rename):
        loads.clear()
        assert read() == NEW
        assert loads == ["default"]


@READS
def test_while_redis_is_away(behind: Pair, settings: Any, loads: list[str], read: Any) -> None:
    with another_redis(settings) as own:
        assert read() == NEW
        own.stop()
        loads.clear()
        for _ in range(5):
            assert read() == NEW
        assert set(loads) == {"default"}
        own.start()


@READS
def test_in_a_transaction_that_wrote(behind: Pair, read: Any) -> None:
    """Its own writes no replica can have."""
    assert read() == NEW
    with transaction.atomic():
        rename("Maia")
        assert read() == "Maia"
        transaction.set_rollback(True)
    assert read() == NEW


def test_in_a_transaction_of_the_replicas_own(behind: Pair) -> None:
    """READ COMMITTED: it may fill, and so it must not load what is old."""
    with transaction.atomic(using="replica"):
        assert both() == {NEW}
    behind.catch_up()
    assert both() == {NEW}


def test_what_is_filled_by_one_is_a_hit_by_the_other(pair: Pair, events: list[Fetch]) -> None:
    both()
    events.clear()
    assert Star.objects.using("default").cached().filter(pk=3).values_list("name", flat=True)[0]
    assert [event.outcome for event in events] == ["hit"]


def test_a_replica_that_is_not_reachable(pair: Pair, loads: list[str]) -> None:
    both()
    pair.lag()  # it is killed with what it has applied, and has more to apply when it is back
    rename()
    pair.replica.stop(signal.SIGKILL)
    connections["replica"].close()
    try:
        loads.clear()
        assert both() == {NEW}
        assert set(loads) == {"default"}
        assert not applied.is_there("replica")
    finally:
        pair.replica.start()


def test_a_replica_that_was_behind_is_asked_and_not_waited_for(
    behind: Pair, monkeypatch: pytest.MonkeyPatch, loads: list[str]
) -> None:
    monkeypatch.setattr(applied, "BEHIND", 600)
    assert both() == {NEW}
    assert not applied._is_waited_for("replica")
    loads.clear()
    behind.catch_up()
    assert Star.objects.cached().filter(name=NEW).count() == 1
    assert loads == ["replica"]


def test_a_replica_that_goes_away_between_the_wait_and_the_load(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, loads: list[str]
) -> None:
    both()
    rename()
    pair.wait_until_applied()
    has_applied = replicas.has_applied

    def and_cut(alias: str, positions: Any) -> bool:
        applied = has_applied(alias, positions)
        pair.ask(pair.replica, f"KILL {connections[alias].connection.thread_id()}")
        return applied

    monkeypatch.setattr(replicas, "has_applied", and_cut)
    loads.clear()
    assert by_query() == NEW
    assert loads == ["replica", "default"]
    connections["replica"].close()


def test_what_the_audit_holds_against_a_hit_is_the_primarys(
    behind: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits: list[Hit] = []
    audit = Audit()
    monkeypatch.setattr(audit, "chooses", lambda: True)
    monkeypatch.setattr(audit, "put", hits.append)
    audit.start()
    try:
        assert both() == both() == {NEW}
    finally:
        audit.stop()
    assert [elsewhere(lambda hit=hit: audit.judge(hit)) for hit in hits] == ["same", "same"]


def test_a_record_of_hot_columns_is_the_primarys(
    pair: Pair, settings: Any, loads: list[str]
) -> None:
    """A write of hot columns alone moves a gate that no record stands behind."""
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "HOT": {"star": ["mass"]}}
    both()
    pair.lag()
    Star.objects.filter(pk=3).update(mass=99.0)
    loads.clear()
    found = star(3)
    assert found
    assert (found.mass, loads) == (99.0, ["default"])


def test_hot_columns(pair: Pair, settings: Any) -> None:
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "HOT": {"star": ["mass"]}}
    masses = Star.objects.cached().filter(pk=3).values_list("mass", flat=True)
    assert masses[0] == 3.6
    pair.lag()
    Star.objects.filter(pk=3).update(mass=99.0)
    assert masses.all()[0] == 99.0
    pair.catch_up()
    assert masses.all()[0] == 99.0


def test_a_debt_that_is_paid_later_takes_no_position_back(
    pair: Pair, settings: Any, redis: Any
) -> None:
    """It lands when a later write has left its own."""
    both()
    gate = keys.gate("default", "star")
    late = gates.open(gate, "somebody", position("0-1-1", mariadb=True))
    rename()
    (reply,) = client.call(gates.admit(gate))
    further = gates.position(reply)
    client.call(late)
    (reply,) = client.call(gates.admit(gate))
    assert gates.position(reply) == further
    client.call(("DEL", gate), late)
    (reply,) = client.call(gates.admit(gate))
    assert gates.position(reply) == UNKNOWN


@pytest.fixture
def another(pair: Pair) -> Iterator[dict[str, Any]]:
    """The settings of a database of another name, on another server."""
    settings = connections.settings["another"] = {
        **connections.settings["default"], "NAME": "another", "HOST": "db.example.org",
    }  # fmt: skip
    yield settings
    del connections.settings["another"]


def position_of_gate(gate: str) -> str:
    (reply,) = client.call(gates.admit(gate))
    return gates.position(reply)


def test_a_position_is_of_one_database(pair: Pair, another: dict[str, Any], redis: Any) -> None:
    """A statement in doubt makes both stale, and only one of them is where it was committed."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {NAME}.star SET name = %s WHERE id = 3", [NEW])
    assert redis.get(keys.database_gate("default")).startswith("p:")
    assert redis.get(keys.database_gate("another")) is None


def test_a_position_of_another_run_of_redis_is_none(pair: Pair, redis: Any) -> None:
    """That one may have forgotten who came after; the gate of everything tells of all others."""
    gate = keys.database_gate("default")
    there = position("0-1-105", mariadb=True)
    client.call(gates.close(gate, "writer"), gates.open(gate, "writer", there))
    left = redis.get(gate)
    assert left.startswith(f"p:={there}@")
    for run in (left.partition("@")[2], f"{'0' * 40}@"):
        replies = client.call(("SET", gate, f"p:={there}@{run}"), gates.admit(gate))
        assert gates.position(replies[1]) == (there if run in left else UNKNOWN)


def test_of_a_name_that_two_servers_have_nobody_tells_a_position(
    pair: Pair, another: dict[str, Any], loads: list[str]
) -> None:
    """They share gates, and the numbers of the one mean nothing to the other."""
    another["NAME"] = connections.settings["default"]["NAME"]
    rename()
    assert position_of_gate(keys.gate("default", "star")) == UNKNOWN
    loads.clear()
    assert both() == {NEW}
    assert set(loads) == {"default"}
    assert position_of_gate(keys.gate("default", "star")) == UNKNOWN


# --- what it costs


def test_a_write_takes_one_more_round_trip_to_the_primary(
    pair: Pair, settings: Any, round_trips: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = primary.position_of
    monkeypatch.setattr(primary, "position_of", lambda c: asked.append(c.alias) or ask(c))
    both()
    asked.clear()
    round_trips.clear()
    rename()
    assert asked == ["default"]
    assert round_trips == [["hold"], ["hold"]]
    asked.clear()
    with transaction.atomic():
        rename("Maia")
        Star.objects.create(name="Celaeno")
    assert asked == ["default"]  # once for the whole of it
    settings.CACHE_ASIDE = {}
    asked.clear()
    rename()
    assert asked == []


def test_a_miss_takes_as_many_round_trips_to_redis(
    pair: Pair, round_trips: list[list[str]]
) -> None:
    both()
    rename()
    pair.wait_until_applied()
    round_trips.clear()
    with CaptureQueriesContext(connections["replica"]) as queries:
        by_query()
    assert len(round_trips) == 3
    assert len(queries) == 1


# --- what no position is known of


def test_gtids_of_both_servers() -> None:
    one = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
    assert position("0-1-105,1-2-7", mariadb=True) == "112/0-1-105,1-2-7"
    assert position(f"{one}:1-5:7,\n{one[:-1]}3:1", mariadb=False).startswith(f"7/{one}:1-5:7,")
    assert position(f"{one}:1-3:tag_1:4-5", mariadb=False).startswith("5/")
    assert position("", mariadb=True) == position("", mariadb=False) == UNKNOWN


@pytest.fixture
def no_gtids(settings: Any, redis: Any, sky: None) -> Iterator[None]:
    """The run's own server writes no binlog; it is its own replica."""
    if primary.position_of(connection) != UNKNOWN:
        pytest.skip("this server numbers its transactions")
    connections.settings["replica"] = {**connections.settings["default"]}
    connections["replica"].connect()
    settings.DATABASE_ROUTERS = ["tests.support.replicated.ReadsFromReplica"]
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "SAME_AS": {"replica": "default"}}
    yield
    connections["replica"].close()
    del connections["replica"], connections.settings["replica"]


def test_without_gtids_all_is_the_primarys_and_that_is_told_once(
    no_gtids: None, loads: list[str], caplog: Any, events: list[Fetch]
) -> None:
    with caplog.at_level(logging.WARNING, "planets.cache"):
        assert both() == {OLD}
        rename()
        assert both() == {NEW}
        assert set(loads) == {"default"}
        events.clear()
        assert both() == {NEW}
    assert {event.outcome for event in events} == {"hit"}
    assert len([line for line in caplog.messages if "does not tell its GTIDs" in line]) == 1
    (found,) = check_replicas()
    assert found.id == "cache_aside.W015"
    assert "does not tell its GTIDs" in found.msg


def test_a_check_names_a_replica_that_lags(behind: Pair) -> None:
    (found,) = check_replicas()
    assert "it has not applied within 0.1 s" in found.msg
    behind.catch_up()
    assert check_replicas() == []
