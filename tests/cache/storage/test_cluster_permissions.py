"""On a Redis Cluster a user needs what the docs name for one Redis, and what they name besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.cluster import Cluster, using
from tests.support.permissions import DOCS, told_by_the_docs
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def told_besides() -> list[str]:
    found = re.search(r"`(\+cluster\|slots [^`]+)`: the map of slots", DOCS.read_text())
    assert found
    return found[1].split()


@pytest.fixture
def cluster(settings: Any) -> Iterator[Cluster]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with Cluster(replicas=False) as made, using(settings, made, timeout=5):
        for node in made.nodes:
            node.ask("ACL", "SETUSER", "site", "reset", *told_by_the_docs(), *told_besides())
        cache = settings.CACHES["default"]
        options = {**cache["OPTIONS"], "USERNAME": "site", "PASSWORD": "password"}
        settings.CACHES = {"default": {**cache, "OPTIONS": options}}
        yield made


def test_what_the_docs_permit_is_enough(cluster: Cluster, events: list[Fetch]) -> None:
    assert both() == both() == {OLD}
    assert [event.outcome for event in events] == ["miss", "miss", "hit", "hit"]
    rename()
    assert both() == {NEW}
    assert not client.away
    assert not client.misconfigured


def test_a_slot_that_moves_needs_no_more(cluster: Cluster) -> None:
    assert both() == {OLD}
    source = cluster.primary("star:3")
    target = next(node for node in cluster.nodes if node is not source)
    with cluster.moving(cluster.slot("star:3"), target) as move_keys:
        move_keys(None)
        rename()
        assert both() == {NEW}
    assert both() == {NEW}
    assert not client.away


def test_one_who_may_not_follow_a_slot_gets_along_without_the_cluster(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "site", "-asking")
    assert both() == {OLD}
    source = cluster.primary("star:3")
    target = next(node for node in cluster.nodes if node is not source)
    with cluster.moving(cluster.slot("star:3"), target) as move_keys:
        move_keys(None)
        rename()
        assert both() == {NEW}
        assert client.debt
    wait_until(lambda: not client.away)
    assert both() == {NEW}
