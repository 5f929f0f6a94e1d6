"""A Redis Cluster in trouble: nodes that die, come back, fall silent, and slots on their way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage import cluster_wire, gates, keys, leases
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, by_record, rename
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.cluster import Cluster, using
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def cluster(settings: Any) -> Iterator[Cluster]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with Cluster() as cluster, using(settings, cluster):
        yield cluster


def gate() -> str:
    return keys.gate("default", "star")


def record() -> str:
    return "star:3"


HELD = pytest.mark.parametrize("key", [gate, record])


def all_hits(events: list[Fetch]) -> bool:
    """Both roads lead to the cache again."""
    both()
    events.clear()
    both()
    return {event.outcome for event in events} == {"hit"}


# --- a primary that is killed


def forget(cluster: Cluster, key: str, write: Callable[[], None]) -> None:
    """Do a write, and lose all of it that the node of a key was told: its replica is promoted."""
    primary = cluster.primary(key)
    heir = cluster.replica(primary)
    wait_until(lambda: heir.ask("DBSIZE") == primary.ask("DBSIZE"))
    heir.pause()
    primary.ask("CLIENT", "KILL", "TYPE", "replica")
    write()
    primary.stop(signal.SIGKILL)
    heir.resume()
    wait_until(lambda: heir.is_primary)
    cluster.wait_until_whole()


@HELD
def test_a_replica_that_lost_the_last_write_is_not_believed(
    cluster: Cluster, events: list[Fetch], key: Callable[[], str]
) -> None:
    assert both() == both() == {OLD}
    forget(cluster, key(), rename)
    assert both() == {NEW}
    wait_until(lambda: all_hits(events))
    assert both() == {NEW}


def test_without_stamps_a_record_would_be_believed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lies on another node than all of its gates, whose runs are as they were."""
    monkeypatch.setattr(cluster_wire, "believed", lambda command, reply, run: reply)
    others = set(map(cluster.primary, keys.gates_of_records("default", "star")))
    pk = next(n for n in range(1, 100) if cluster.primary(f"star:{n}") not in others)
    Star.objects.update_or_create(pk=pk, defaults={"name": OLD})
    assert {name_of(pk), name_of(pk)} == {OLD}

    def write() -> None:
        Star.objects.filter(pk=pk).update(name=NEW)

    forget(cluster, f"star:{pk}", write)
    name_of(pk)
    wait_until(lambda: not client.away)
    assert name_of(pk) == OLD


def name_of(pk: int) -> str:
    found = star(pk)
    assert found
    return found.name


def test_no_page_fails_while_a_primary_is_dead_and_writes_land_after_it(
    cluster: Cluster, events: list[Fetch]
) -> None:
    assert both() == both() == {OLD}
    primary = cluster.primary(gate())
    heir = cluster.replica(primary)
    primary.stop(signal.SIGKILL)
    rename()
    while not heir.is_primary:
        assert both() == {NEW}
    wait_until(lambda: all_hits(events))
    assert both() == {NEW}
    assert not client.debt


def test_one_that_comes_back_as_a_replica_and_is_promoted_again(
    cluster: Cluster, events: list[Fetch]
) -> None:
    primary = cluster.primary(gate())
    for name in ("first", "second"):
        assert both() == both()
        heir = cluster.fail_over(primary)
        rename(name)
        assert both() == {name}
        primary.start()
        wait_until(lambda p=primary: p.ask("ROLE")[3:4] == [b"connected"])
        wait_until(lambda: all_hits(events))
        assert both() == {name}
        primary = heir


def test_one_that_restarts_empty_before_anybody_takes_its_place(
    cluster: Cluster, events: list[Fetch]
) -> None:
    assert both() == both() == {OLD}
    primary = cluster.primary(record())
    primary.restart(signal.SIGKILL)
    rename()
    assert both() == {NEW}
    cluster.wait_until_whole()
    wait_until(lambda: all_hits(events))
    assert both() == {NEW}


# --- a node that is silent


def test_a_silent_node_fails_no_page_and_its_replica_takes_over(
    cluster: Cluster, events: list[Fetch]
) -> None:
    assert both() == both() == {OLD}
    primary = cluster.primary(gate())
    heir = cluster.replica(primary)
    primary.pause()
    try:
        assert both() == {OLD}
        rename()
        assert both() == {NEW}
        wait_until(lambda: heir.is_primary)
        wait_until(lambda: all_hits(events))
        assert both() == {NEW}
    finally:
        primary.resume()
    wait_until(lambda: not primary.is_primary)
    rename("after")
    assert both() == {"after"}


# --- slots on their way


@HELD
def test_a_slot_that_has_moved_is_found(
    cluster: Cluster, events: list[Fetch], key: Callable[[], str]
) -> None:
    assert both() == both() == {OLD}
    source = cluster.primary(key())
    target = next(node for node in cluster.nodes[:3] if node is not source)
    cluster.move(cluster.slot(key()), target)
    assert both() == {OLD}
    assert all_hits(events)
    rename()
    assert both() == {NEW}
    assert not client.away


@HELD
@pytest.mark.parametrize("moved", [0, 1, None], ids=["none", "one", "all"])
def test_a_slot_on_its_way(
    cluster: Cluster, events: list[Fetch], key: Callable[[], str], moved: int | None
) -> None:
    """With none, one, or all of its keys on the other node."""
    assert both() == both() == {OLD}
    client.call(leases.claim(record(), "somebody"))  # two keys in one slot
    source = cluster.primary(key())
    target = next(node for node in cluster.nodes[:3] if node is not source)
    with cluster.moving(cluster.slot(key()), target) as move_keys:
        if moved != 0:
            move_keys(moved)
        assert both() == {OLD}
        for name in (NEW, "again"):
            rename(name)
            assert both() == {name}
            assert both() == {name}
        assert not client.away
        assert not client.debt
    assert both() == {"again"}
    wait_until(lambda: all_hits(events))
    rename("after")
    assert both() == {"after"}


def test_a_write_in_flight_holds_its_tombstone_in_a_slot_on_its_way(cluster: Cluster) -> None:
    source = cluster.primary(record())
    target = next(node for node in cluster.nodes[:3] if node is not source)
    by_record()
    with cluster.moving(cluster.slot(record()), target) as move_keys:
        client.call(leases.close(record(), "writer"))
        (held,) = client.call(leases.claim(record(), gates.token()))
        assert gates.is_closed(held)
        assert by_record() == OLD
        move_keys(None)
        client.call(leases.open(record(), "writer"))
        assert client.call(("GET", keys.lease(record()))) == [None]


def test_threads_that_are_led_astray_together_all_arrive(cluster: Cluster) -> None:
    both()
    source = cluster.primary(gate())
    target = next(node for node in cluster.nodes[:3] if node is not source)
    cluster.move(cluster.slot(gate()), target)
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.extend(client.call(("GET", gate()), ("GET", record())))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
