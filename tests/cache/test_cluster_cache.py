"""The caches of django-redis on a cluster, as a project uses them for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.support.cluster import Cluster, using


@pytest.fixture
def cluster(settings: Any) -> Iterator[Cluster]:
    with Cluster(replicas=False) as made, using(settings, made, timeout=5):
        yield made


def test_each_verb_reaches_all_nodes(cluster: Cluster) -> None:
    values = {f"name {number}": number for number in range(30)}
    cache.set_many(values)
    assert all(node.ask("DBSIZE") for node in cluster.nodes)
    assert cache.get_many(values) == values
    assert sorted(cache.keys("*")) == sorted(cache.iter_keys("*")) == sorted(values)
    assert cache.incr("name 1") == 2
    assert cache.add("another", 1, timeout=5)
    assert cache.touch("another", 9)
    assert cache.ttl("another") > 5
    with cache.lock("somebody's"):
        assert cache.delete_pattern("name 2*") == 11
    cache.delete_many(["name 1", "name 3"])
    assert cache.get_many(["name 1", "name 3", "name 4"]) == {"name 4": 4}
    cache.clear()
    assert not any(node.ask("DBSIZE") for node in cluster.nodes)
    cache.close()
    assert cache.get_or_set("name", 3) == 3
