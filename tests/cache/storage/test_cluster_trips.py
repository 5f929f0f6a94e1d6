"""One round trip to a Redis Cluster goes to all of its nodes at once, each greeted by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.invalidation import invalidate
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.storage.cluster_wire import ClusterWire, NodeWire
from planets.cache.storage.slots import SLOTS, slot_of
from tests.cache.zoo.electra import NEW, OLD, both, by_query, rename
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars
from tests.support.cluster import Cluster, using
from tests.support.on_a_cluster import primaries  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def cluster(settings: Any, primaries: Cluster) -> Iterator[Cluster]:  # noqa: F811
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with using(settings, primaries, timeout=5):
        yield primaries
    for node in primaries.nodes:
        node.ask("FLUSHALL")


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done with the nodes, one after another: sent, received."""
    told: list[str] = []
    send, receive = NodeWire.send, NodeWire.receive

    def sent(self: NodeWire, commands: Any) -> Any:
        told.append("sent")
        return send(self, commands)

    def received(self: NodeWire, line: Any) -> Any:
        told.append("received")
        return receive(self, line)

    monkeypatch.setattr(NodeWire, "send", sent)
    monkeypatch.setattr(NodeWire, "receive", received)
    return told


def test_all_nodes_are_written_to_before_any_is_read(cluster: Cluster, order: list[str]) -> None:
    client.call(("PING",))
    assert order == ["sent"] * 3 + ["received"] * 3


def test_a_fetch_is_one_trip_and_a_miss_three(
    cluster: Cluster, events: list[Fetch], round_trips: list[list[str]]
) -> None:
    by_query()  # miss: look, claim and look, fill
    assert len(round_trips) == 3
    round_trips.clear()
    by_query()
    star(3)
    assert [event.outcome for event in events] == ["miss", "hit", "miss"]
    round_trips.clear()
    assert len(stars([1, 2, 3])) == 3
    assert len(round_trips) == 3
    round_trips.clear()
    assert len(stars([1, 2, 3])) == 3
    assert len(round_trips) == 1


def test_the_gate_of_everything_is_one_in_each_part_of_all_slots(cluster: Cluster) -> None:
    everything = keys.database_gates("default")
    assert [slot_of(gate) * keys.PARTS // SLOTS for gate in everything] == list(range(keys.PARTS))
    held = Counter(cluster.primary(gate).port for gate in everything)
    assert len(held) == 3
    assert max(held.values()) <= keys.PARTS / 3 + 1
    assert all(map(keys.is_database_gate, everything))
    assert not keys.is_database_gate(keys.gate("default", "star"))


def test_a_fetch_reads_the_one_that_lies_with_its_table(cluster: Cluster) -> None:
    for table in ("star", "comet", "bird"):
        gate = keys.gate("default", table)
        beside = keys.database_gate("default", beside=gate)
        assert slot_of(gate) * keys.PARTS // SLOTS == slot_of(beside) * keys.PARTS // SLOTS
        assert keys.gates_of_records("default", table)[1] == beside


def test_what_makes_everything_stale_reaches_each_part(
    cluster: Cluster, events: list[Fetch]
) -> None:
    names = [f"name-{number}" for number in range(40)]

    def ask() -> None:
        for name in names:
            list(Star.objects.cached().filter(name=name))
        both()

    ask()
    ask()
    assert {event.outcome for event in events[-42:]} == {"hit"}
    invalidate(everything=True)
    events.clear()
    ask()
    assert {event.outcome for event in events} == {"miss"}


def test_each_node_is_greeted_once_a_second_and_on_each_connection(cluster: Cluster) -> None:
    client.call(("PING",))
    wire = client._wire
    assert isinstance(wire, ClusterWire)
    runs = {node.name: node.run for node in wire.wires()}
    assert len(set(runs.values())) == 3
    for node in cluster.nodes:
        assert (
            runs[f"127.0.0.1:{node.port}"]
            == node.ask("INFO", "replication")["master_replid"].encode()
        )


def test_gates_and_records_carry_the_run_of_their_node(cluster: Cluster) -> None:
    assert both() == both() == {OLD}
    gate = keys.gate("default", "star")
    for key, read in ((gate, ("GET", gate)), ("star:3", ("HGET", "star:3", "_aside"))):
        node = cluster.primary(key)
        run = node.ask("INFO", "replication")["master_replid"].encode()
        assert b"@" + run in node.ask(*read)
    rename()
    assert both() == {NEW}
    assert gates.generation(cluster.primary(gate).ask("GET", gate))
