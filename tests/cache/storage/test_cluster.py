"""On a Redis Cluster: of one node, which asks of a client what three do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.servers import STARTS_WITHIN, Redis, free_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def cluster(settings: Any) -> Iterator[Redis]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    # By itself it would add 10,000 to its port, which may be too many.
    options = {"cluster-enabled": "yes", "cluster-port": free_port()}
    with Redis(tcp=True, **options) as server:
        with server.client() as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        form(server)
        usual = settings.CACHES
        settings.CACHES = {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": server.url,
                "OPTIONS": {
                    "CONNECTION_FACTORY": "planets.cache.cluster.ClusterConnectionFactory",
                    "SOCKET_TIMEOUT": 1,
                    "SOCKET_CONNECT_TIMEOUT": 1,
                },
            }
        }
        yield server
        settings.CACHES = usual
        wait_until(lambda: not client.away)


def form(server: Redis) -> None:
    with server.client() as node:
        give_up = time.monotonic() + STARTS_WITHIN
        while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < give_up, "the cluster did not form"


def test_one_that_is_gone_fails_no_page_and_is_found_again(
    cluster: Redis,
    events: list[Fetch],
) -> None:
    assert both() == both() == {OLD}
    cluster.stop()
    for _ in range(5):
        assert both() == {OLD}
    rename()
    assert both() == {NEW}
    assert client.away
    cluster.start()
    form(cluster)
    wait_until(lambda: not client.away)
    both()
    events.clear()
    assert both() == {NEW}
    assert {event.outcome for event in events} == {"hit"}


def test_a_process_that_is_started_without_it_finds_it_too(
    cluster: Redis,
    settings: Any,
    events: list[Fetch],
) -> None:
    cluster.stop()
    settings.CACHES = {**settings.CACHES}  # as a new process, which has not yet connected
    for _ in range(3):
        assert both() == {OLD}
    assert not client.misconfigured
    cluster.start()
    form(cluster)
    wait_until(lambda: not client.away)
    both()
    events.clear()
    assert both() == {OLD}
    assert {event.outcome for event in events} == {"hit"}
