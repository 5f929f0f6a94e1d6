"""The near tier on a cluster of three primaries, all of which it follows."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage import clock
from planets.cache.storage.client import client
from planets.cache.storage.ear import SILENCE
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.support.cluster import Cluster, Node, using
from tests.support.near import trusted
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

RECORD = "star:3"


@pytest.fixture
def cluster(settings: Any) -> Iterator[Cluster]:
    with Cluster(replicas=False) as made, using(settings, made):
        settings.CACHE_ASIDE = {"NEAR": True, "BREAKER_PROBE": 0.05, "HISTORY": 0}
        near.tracking.start()
        wait_until(trusted)
        yield made
        settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    assert near.tracking.thread
    near.tracking.thread.join(10)


@pytest.fixture
def spare(cluster: Cluster) -> Iterator[Node]:
    """A node that has no slots yet."""
    with Node() as node:
        first = cluster.nodes[0]
        node.ask("CLUSTER MEET", "127.0.0.1", first.port, first.options["cluster-port"])
        cluster.nodes.append(node)
        wait_until(lambda: all(knows(other, node) for other in cluster.nodes))
        cluster.wait_until_whole()
        yield node
        cluster.nodes.remove(node)


def knows(node: Node, other: Node) -> bool:
    return any(other.id == told["node_id"] for told in node.ask("CLUSTER NODES").values())


def read_until_near(events: list[Fetch]) -> None:
    def read() -> bool:
        events.clear()
        by_record(), by_query()
        return {event.tier for event in events} == {"near"}

    wait_until(read)


def test_a_hit_asks_nobody_and_a_write_is_seen_at_once(
    cluster: Cluster, events: list[Fetch], round_trips: list[list[str]]
) -> None:
    for name in (NEW, OLD) * 5:
        read_until_near(events)
        round_trips.clear()
        by_record(), by_query()
        assert round_trips == []
        rename(name)
        assert (by_record(), by_query()) == (name, name)


def kept() -> bool:
    return RECORD in near._slots


def keep() -> None:
    """Keep something under the record's key, as a reader does after a reply."""

    def keeps() -> bool:
        near.keep(near.ticket(), [(RECORD, "value", time.time() + 60, 10)])
        return kept()

    wait_until(keeps)


def another(cluster: Cluster) -> Node:
    """A primary that does not have the record."""
    return next(node for node in cluster.nodes if node is not cluster.primary(RECORD))


def listeners(node: Node) -> int:
    return len([told for told in node.ask("CLIENT LIST") if "B" in told["flags"]])


def test_each_primary_is_followed(cluster: Cluster, events: list[Fetch]) -> None:
    for node in cluster.nodes:
        assert listeners(node) == 1
        names = (f"sql:{number}" for number in range(1000))
        pushed = next(name for name in names if cluster.primary(name) is node)
        node.ask("SET", pushed, "", "EX", 60)
        wait_until(lambda pushed=pushed: pushed in near._pushed)


def test_a_key_that_moves_between_two_primaries_is_heard_of_all_the_way(
    cluster: Cluster,
) -> None:
    """The argument of tracking.py, step by step."""
    source, target = cluster.primary(RECORD), another(cluster)
    source.ask("HSET", RECORD, "name", "at first")
    with cluster.moving(cluster.slot(RECORD), target) as move_keys:
        keep()
        source.ask("HSET", RECORD, "name", "before")
        wait_until(lambda: not kept())

        keep()
        move_keys(None)
        wait_until(lambda: not kept())

        keep()
        with target.client(single_connection_client=True) as direct:
            direct.execute_command("ASKING")
            direct.execute_command("HSET", RECORD, "name", "after")
        wait_until(lambda: not kept())
        assert trusted()
    keep()
    target.ask("HSET", RECORD, "name", "at last")
    wait_until(lambda: not kept())


def test_all_is_dropped_when_a_slot_has_another_owner(
    cluster: Cluster, events: list[Fetch], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_until_near(events)
    lost: list[bool] = []
    monkeypatch.setattr(near.tracking, "_lost", lambda: (lost.append(trusted()), near.drop_all()))
    source, target = cluster.nodes[:2]
    empty = next(slot for slot in range(5000) if not source.ask("CLUSTER COUNTKEYSINSLOT", slot))
    cluster.move(empty, target)  # no key goes along, so no push tells of it
    wait_until(lambda: lost)
    assert lost[0], "it is dropped, and the same primaries are followed on"
    read_until_near(events)


def test_a_slot_on_its_way_to_a_primary_that_is_not_followed_turns_it_off(
    cluster: Cluster, spare: Node, events: list[Fetch]
) -> None:
    wait_until(trusted)
    read_until_near(events)
    with cluster.moving(cluster.slot(RECORD), spare) as move_keys:
        wait_until(lambda: not trusted())
        assert not kept()
        assert by_record() == OLD
        move_keys(None)
        near.keep(near.ticket(), [(RECORD, "value", time.time() + 60, 10)])
        assert not kept()
        rename()  # nobody can invalidate the record there yet: it is owed
        assert by_record() == NEW
    wait_until(lambda: not client.away)
    wait_until(trusted)  # it has slots now, and is followed with the others
    assert listeners(spare) == 1
    read_until_near(events)
    assert (by_record(), by_query()) == (NEW, NEW)
    rename(OLD)
    assert (by_record(), by_query()) == (OLD, OLD)


def test_a_replica_that_takes_over_is_followed(settings: Any, events: list[Fetch]) -> None:
    with Cluster() as cluster, using(settings, cluster):
        settings.CACHE_ASIDE = {"NEAR": True, "BREAKER_PROBE": 0.05, "HISTORY": 0}
        near.tracking.start()
        wait_until(trusted)
        read_until_near(events)
        heir = cluster.replica(cluster.primary(RECORD))
        heir.ask("CLUSTER FAILOVER", "TAKEOVER")  # its primary goes on, as a replica
        wait_until(lambda: listeners(heir) == 1)
        wait_until(trusted)
        read_until_near(events)
        rename()
        assert (by_record(), by_query()) == (NEW, NEW)
        settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    assert near.tracking.thread
    near.tracking.thread.join(10)


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_one_that_is_away_turns_it_off_in_one_line(
    cluster: Cluster, events: list[Fetch], caplog: Any, how: str
) -> None:
    read_until_near(events)
    away = another(cluster)
    with caplog.at_level(logging.INFO, "planets.cache"):
        getattr(away, how)()
        wait_until(lambda: not trusted())
        wait_until(lambda: not kept())
        for _ in range(5):
            assert by_record() == OLD
        wait_until(lambda: near.tracking._told)
        away.start() if how == "stop" else away.resume()
        wait_until(trusted)
    read_until_near(events)
    lines = [r.message for r in caplog.records if "near tier" in r.message]
    assert len(lines) == 1, lines


def test_what_is_kept_is_trusted_only_as_long_as_the_quietest_primary(
    cluster: Cluster, events: list[Fetch]
) -> None:
    read_until_near(events)
    cluster.nodes[2].pause()
    paused = clock.now()
    wait_until(lambda: not trusted())
    until = near.tracking.until
    cluster.nodes[2].resume()
    assert until <= paused + SILENCE
