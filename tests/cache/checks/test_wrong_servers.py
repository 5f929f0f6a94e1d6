"""`check --deploy` on what is no Redis that the cache can use, and on nodes of a cluster."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import checks

from planets.cache.storage.client import client
from tests.cache.zoo.electra import OLD, both
from tests.support.cluster import Cluster, Node, configuration, using
from tests.support.managed import Configured
from tests.support.near import trusted
from tests.support.outage import use
from tests.support.permissions import of_a_cluster, told_by_the_docs
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for message in checks.run_checks(tags=["redis"], include_deployment_checks=True):
        found.setdefault(str(message.id), []).append(message.msg)
        assert message.hint
        assert "\n" not in message.msg
    return found


def errors() -> list[str]:
    return [id_ for id_ in told() if id_.startswith("cache_aside.E")]


@pytest.fixture
def usual(settings: Any) -> Iterator[None]:
    """Afterwards the run's own Redis is found again."""
    before = settings.CACHES
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    yield
    settings.CACHES = before
    wait_until(lambda: not client.away)


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    with Cluster(replicas=False) as found:
        yield found


@pytest.fixture
def cluster(made: Cluster, settings: Any) -> Iterator[Cluster]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "NEAR": True}
    with using(settings, made):
        for node in made.nodes:
            configure(node, **{"maxmemory": "50mb", "maxmemory-policy": "volatile-lfu"})
        yield made


def configure(node: Node, **options: Any) -> None:
    for name, value in options.items():
        node.ask("CONFIG SET", name, value)


def at(node: Node) -> str:
    return f"127.0.0.1:{node.port}"


# --- what cannot be used


@pytest.mark.usefixtures("usual")
def test_a_cluster_behind_a_plain_address(made: Cluster, settings: Any) -> None:
    use(settings, f"redis://{at(made.nodes[0])}/0")
    assert "is one node of a Redis Cluster" in told()["cache_aside.E013"][0]
    assert errors() == ["cache_aside.E013"]


@pytest.mark.usefixtures("usual")
def test_one_that_knows_no_scripts(settings: Any) -> None:
    with Configured('rename-command EVAL ""', alone=True) as proxy:
        use(settings, proxy.url)
        (line,) = told()["cache_aside.E012"]
        assert line.startswith("Redis takes no scripts (EVAL)")
        assert "unknown command 'EVAL'" in line
        assert errors() == ["cache_aside.E012"]


@pytest.mark.usefixtures("usual")
def test_a_proxy_that_closes_the_connection_at_a_script(settings: Any) -> None:
    with Redis(tcp=True) as server, closing_at(b"EVAL", server.port) as port:
        use(settings, f"redis://127.0.0.1:{port}/0")
        assert errors() == ["cache_aside.E012"]


@contextmanager
def closing_at(word: bytes, port: int) -> Iterator[int]:
    """A proxy to a port of this machine, which closes a connection that says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, word, port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _serve(listener: socket.socket, word: bytes, port: int) -> None:
    while True:
        try:
            near = listener.accept()[0]
        except OSError:
            return
        threading.Thread(target=_relay, args=(near, word, port), daemon=True).start()


def _relay(near: socket.socket, word: bytes, port: int) -> None:
    with near, socket.create_connection(("127.0.0.1", port)) as far:
        while (said := near.recv(65536)) and word not in said:
            far.sendall(said)
            near.sendall(far.recv(65536))


# --- nodes of a cluster


def test_a_cluster_that_is_well_is_clean(cluster: Cluster) -> None:
    assert told() == {}


def test_a_node_without_a_limit_is_named(cluster: Cluster) -> None:
    configure(cluster.nodes[1], maxmemory=0)
    (line,) = told()["cache_aside.W006"]
    assert line.startswith(f"Node {at(cluster.nodes[1])} of the cluster: Redis has no maxmemory")


def test_what_all_nodes_have_is_said_once(cluster: Cluster) -> None:
    for node in cluster.nodes:
        configure(node, **{"maxmemory-policy": "noeviction"})
    (line,) = told()["cache_aside.W007"]
    assert line.startswith("Redis evicts nothing")


@pytest.mark.parametrize(
    ("rule", "id_"), [("-pexpireat", "E010"), ("-scan", "W011"), ("-info", "W010")]
)
def test_what_one_node_refuses_is_found_and_named(cluster: Cluster, rule: str, id_: str) -> None:
    odd = cluster.nodes[2]
    odd.ask("ACL", "SETUSER", "default", rule)
    try:
        lines = told()[f"cache_aside.{id_}"]
    finally:
        odd.ask("ACL", "SETUSER", "default", "+@all")
    for line in lines:
        assert line.startswith(f"Node {at(odd)} of the cluster: Redis does not")


def test_a_node_that_is_away_is_named(cluster: Cluster) -> None:
    lost = cluster.nodes[1]
    lost.stop()
    try:
        found = told()
    finally:
        lost.start()
        cluster.wait_until_whole()
    assert list(found) == ["cache_aside.E014"]
    assert at(lost) in found["cache_aside.E014"][0]


def test_what_the_docs_permit_is_enough_on_a_cluster(
    cluster: Cluster, settings: Any, sky: None
) -> None:
    usual = settings.CACHES
    for node in cluster.nodes:
        rules = [*told_by_the_docs(), *of_a_cluster()]
        node.ask("ACL", "SETUSER", "site", "reset", *rules)
    settings.CACHES = {
        "default": configuration(cluster.url.replace("redis://", "redis://site:password@"))
    }
    assert told() == {}
    assert both() == {OLD}
    wait_until(trusted)
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "site", "-cluster|nodes")
    assert [*told()] == ["cache_aside.E010"]
    settings.CACHE_ASIDE = {}
    settings.CACHES = usual
