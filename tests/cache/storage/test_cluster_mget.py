"""An MGET to a Redis Cluster, which goes as GETs, is answered as one Redis would answer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage import keys
from planets.cache.storage.client import client
from planets.cache.storage.errors import Refused
from tests.cache.zoo.electra import NEW, OLD, by_query, rename
from tests.support.cluster import Cluster, using

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def cluster(settings: Any) -> Iterator[Cluster]:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "HISTORY": 0}
    with Cluster(replicas=False) as made, using(settings, made, timeout=5):
        yield made


def test_a_key_of_another_type_has_no_string(cluster: Cluster, events: list[Fetch]) -> None:
    assert by_query() == by_query() == OLD
    gate, key = keys.gate("default", "star"), events[0].key
    node = cluster.primary(key)
    node.ask("DEL", key)
    node.ask("HSET", key, "a", "b")
    entry, opened = client.call(("MGET", key, gate))[0]
    assert entry is None
    assert opened.startswith(b"o:")
    assert by_query() == by_query() == OLD
    assert [event.outcome for event in events] == ["miss", "hit", "miss", "hit"]


def test_what_is_refused_of_one_key_is_refused_of_all(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "default", "resetkeys", "~gen:*", "~owner:*", "~late:*")
    gate = keys.gate("default", "star")
    with pytest.raises(Refused, match="key"):
        client.call(("MGET", "sql:something", gate))
    assert client.away
    assert by_query() == OLD
    rename()
    assert by_query() == NEW
