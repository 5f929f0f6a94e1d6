"""The tests of another module once more, on a Redis Cluster: its fixture `redis` in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py

from planets.cache.storage.client import client

from .cluster import Cluster, using


@pytest.fixture(scope="module")
def primaries() -> Iterator[Cluster]:
    """Three nodes, which no test of the module breaks."""
    with Cluster(replicas=False) as cluster:
        yield cluster


@pytest.fixture
def redis(settings: Any, primaries: Cluster) -> Iterator[redis_py.RedisCluster]:
    """A plain client on a cluster that the cache uses, empty before and after."""
    with using(settings, primaries, timeout=5):
        plain = primaries.client(decode_responses=True)
        plain.flushdb()
        client.doubt()  # the name of the database has no owner any more
        yield plain
        plain.flushdb()
        plain.close()
