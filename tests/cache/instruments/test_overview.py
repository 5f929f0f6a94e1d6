"""Looking into a cluster: of one node, which asks of a client what three do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.cluster import RedisCluster

from planets.cache.events import Fetch
from planets.cache.instruments import overview
from planets.cache.instruments.browsing import browse
from planets.cache.instruments.inspection import opened
from planets.cache.storage import keys
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars
from tests.support.names import entry
from tests.support.servers import STARTS_WITHIN, Redis, free_port


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisCluster]:
    # By itself it would add 10,000 to its port, which may be too many.
    options = {"cluster-enabled": "yes", "cluster-port": free_port()}
    with Redis(tcp=True, **options) as server:
        with server.client() as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            give_up = time.monotonic() + STARTS_WITHIN
            while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < give_up, "the cluster did not form"
        with RedisCluster(host="127.0.0.1", port=server.port) as redis:
            monkeypatch.setattr(client, "_redis", redis)
            yield redis


def test_all_that_looks_works_on_a_cluster(cluster: Any) -> None:
    cluster.hset("star:3", mapping={"id": "3", "name": "Electra"})
    cluster.set(entry(1), "x")
    cluster.set(keys.gate("default", "star"), "o:1")

    found = overview.overview()

    assert (found.server.nodes, found.server.keys) == (1, 3)
    assert [gate.table for gate in found.gates] == ["star"]
    assert {key.name for key in browse().keys} == {"star:3", entry(1), keys.gate("default", "star")}
    record = opened("star:3")
    assert record
    assert record.key.bytes
    assert record.content.fields["name"] == "Electra"


@pytest.mark.django_db(transaction=True)
def test_fetches_and_invalidations_work_on_a_cluster(
    cluster: Any, sky: None, events: list[Fetch]
) -> None:
    def read() -> list[str]:
        events.clear()
        names = [p.name for p in (star(3), *Star.objects.cached().filter(pk=3)) if p]
        assert len(stars(range(1, 10))) == 8
        return names

    assert read() == ["Electra", "Electra"]
    assert read() == ["Electra", "Electra"]
    assert {event.outcome for event in events} == {"hit"}
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert read() == ["Taygeta", "Taygeta"]
    Star.objects.filter(position__gt=0).update(name="All")
    assert read() == ["All", "All"]
