"""Instruments on a cluster of three primaries: what each node is, sums of all, who is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from planets.cache.events import Fetch
from planets.cache.instruments import nodes
from planets.cache.instruments.browsing import Wanted, browse
from planets.cache.instruments.inspection import opened
from planets.cache.instruments.keyspace import sample
from planets.cache.instruments.server import server
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars
from tests.support.cluster import Cluster, Node, using
from tests.support.names import entry
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


POLICY = {"maxmemory": "50mb", "maxmemory-policy": "volatile-lfu"}


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    with Cluster(replicas=False) as found:
        yield found


@pytest.fixture
def cluster(made: Cluster, settings: Any) -> Iterator[Cluster]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with using(settings, made):
        for node in made.nodes:
            configure(node, **POLICY)
        yield made
        for node in made.nodes:
            node.ask("FLUSHALL")


def configure(node: Node, **options: Any) -> None:
    for name, value in options.items():
        node.ask("CONFIG SET", name, value)


def addresses(cluster: Cluster) -> list[str]:
    return sorted(f"127.0.0.1:{node.port}" for node in cluster.nodes)


def shown(*args: str) -> str:
    out = StringIO()
    call_command("show_cache", *args, stdout=out)
    return out.getvalue()


def fill(cluster: Cluster, count: int = 300) -> dict[str, int]:
    """So many entries, and which node has how many."""
    held = dict.fromkeys(addresses(cluster), 0)
    redis = client.redis()
    for number in range(count):
        redis.set(entry(number), "x")
        held[redis.get_node_from_key(entry(number)).name] += 1
    return held


def test_sums_and_parts(cluster: Cluster) -> None:
    held = fill(cluster)
    found = server()
    assert {part.address: part.keys for part in found.parts} == held
    assert found.keys == 300
    assert found.max_memory == 3 * 50 * 1024 * 1024
    assert found.memory == sum(part.memory or 0 for part in found.parts)
    assert (found.policy, found.unknown, found.nodes) == ("volatile-lfu", (), 3)


def test_a_node_that_differs_is_seen(cluster: Cluster) -> None:
    configure(cluster.nodes[1], **{"maxmemory-policy": "noeviction"})
    configure(cluster.nodes[2], maxmemory=0)
    found = server()
    assert found.policy == "noeviction, volatile-lfu"
    assert found.max_memory == 0
    text = shown()
    odd = next(line for line in text.splitlines() if str(cluster.nodes[1].port) in line)
    assert "noeviction" in odd


def test_every_node_is_scanned(cluster: Cluster) -> None:
    held = fill(cluster)
    assert all(held.values())
    found = sample()
    assert (len(found.keys), found.total, found.complete) == (300, 300, True)
    names: set[str] = set()
    cursor = "0.0"
    while cursor:
        page = browse(Wanted(text="sql:*"), cursor)
        names |= {key.name for key in page.keys}
        cursor = page.cursor
    assert len(names) == 300


def test_show_cache_shows_each_node(cluster: Cluster, sky: None) -> None:
    star(3), stars([1, 2])
    list(Star.objects.cached().order_by("position"))
    text = shown()
    assert ", a cluster of 3, up " in text
    assert [line.split()[0] for line in text.splitlines() if "127.0.0.1" in line] == addresses(
        cluster
    )
    assert "star open" in text
    told = json.loads(shown("--format", "json"))
    assert [part["address"] for part in told["server"]["parts"]] == addresses(cluster)
    assert told["server"]["keys"] == sum(part["keys"] for part in told["server"]["parts"])


def test_a_node_that_is_away_is_named_and_the_others_are_shown(cluster: Cluster) -> None:
    fill(cluster)
    lost = cluster.nodes[1]
    lost.stop()
    try:
        found = server()
        (line,) = found.unknown
        assert line.startswith(f"127.0.0.1:{lost.port} is away: ConnectionError")
        assert found.keys is None
        assert len([part for part in found.parts if part.keys is not None]) == 2
        text = shown()
        assert f"127.0.0.1:{lost.port} is away" in text
        assert len([row for row in text.splitlines() if "volatile-lfu" in row]) == 2
        assert list(nodes.away()) == [f"127.0.0.1:{lost.port}"]
    finally:
        lost.start()
        cluster.wait_until_whole()
    assert nodes.away() == {}


def test_a_key_is_opened_on_the_node_that_has_it(cluster: Cluster, sky: None) -> None:
    for number in range(1, 9):
        star(number)
    for number in range(1, 9):
        found = opened(f"star:{number}")
        assert found
        assert found.key.bytes
        assert found.content.state == "current"
        assert found.content.fields["id"] == str(number)


def test_the_admin_shows_each_node(cluster: Cluster, admin_client: Client) -> None:
    cluster.nodes[2].stop()
    try:
        text = admin_client.get("/admin/cache_aside/cache/").content.decode()
    finally:
        cluster.nodes[2].start()
        cluster.wait_until_whole()
    for address in addresses(cluster):
        assert f'<th scope="row">{address}</th>' in text
    assert "a cluster of 3" in text
    assert f"127.0.0.1:{cluster.nodes[2].port} is away" in text


def test_metrics_are_of_each_node(cluster: Cluster) -> None:
    pytest.importorskip("prometheus_client")
    from planets.cache.instruments.metrics import Servers

    held = fill(cluster)
    cluster.nodes[0].stop()
    away = f"127.0.0.1:{cluster.nodes[0].port}"
    try:
        found = {metric.name: metric.samples for metric in Servers().collect()}
    finally:
        cluster.nodes[0].start()
        cluster.wait_until_whole()
    up = {s.labels["node"]: s.value for s in found["cache_aside_redis_up"]}
    assert up == {address: float(address != away) for address in addresses(cluster)}
    keys = {s.labels["node"]: s.value for s in found["cache_aside_redis_keys"]}
    assert keys == {node: count for node, count in held.items() if node != away}


def test_readiness_names_the_node_that_is_away(cluster: Cluster) -> None:
    assert "redis_nodes_away" not in Client().get("/readyz").json()
    cluster.nodes[0].stop()
    try:
        answer = Client().get("/readyz")
    finally:
        cluster.nodes[0].start()
        cluster.wait_until_whole()
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["redis_nodes_away"] == [f"127.0.0.1:{cluster.nodes[0].port}"]


def test_invalidating_and_warming_reach_all_nodes(
    cluster: Cluster, sky: None, zoo_reads: None, events: list[Fetch]
) -> None:
    call_command("warm_cache", "records", stdout=StringIO())
    assert len({client.redis().get_node_from_key(f"star:{n}").name for n in range(1, 9)}) > 1
    events.clear()
    assert len(stars(range(1, 9))) == 8
    assert {event.outcome for event in events} == {"hit"}
    call_command("invalidate_cache", "--everything", stdout=StringIO())
    events.clear()
    assert len(stars(range(1, 9))) == 8
    assert {event.outcome for event in events} == {"miss"}


def test_who_cannot_be_told_is_named_by_invalidate_cache(cluster: Cluster, sky: None) -> None:
    lost = cluster.primary("star:3")
    lost.stop()
    try:
        with pytest.raises(CommandError, match=str(lost.port)):
            call_command("invalidate_cache", "star:3", stdout=StringIO())
    finally:
        lost.start()
        cluster.wait_until_whole()
    wait_until(lambda: not client.debt)
