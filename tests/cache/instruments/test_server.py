from __future__ import annotations

from typing import Any

import pytest

from planets.cache.instruments.server import server
from planets.cache.storage.client import Unavailable, client
from tests.support.servers import name_and_version


def test_it_tells_what_the_server_tells_of_itself(redis: Any) -> None:
    redis.set("one", 1)
    info = redis.info()

    found = server()

    assert (found.name, found.version) == name_and_version(redis)
    # Not 1: where a fetch went before, its client has noted which server this is.
    assert (found.role, found.nodes, found.keys) == ("master", 1, redis.dbsize())
    assert found.policy == info["maxmemory_policy"]
    assert found.memory
    assert found.uptime is not None
    assert found.uptime <= redis.info()["uptime_in_seconds"]


@pytest.mark.parametrize(("limit", "share"), [("0", None), ("1gb", pytest.approx(0.001, abs=0.01))])
def test_a_share_of_memory_needs_a_limit(redis: Any, limit: str, share: Any) -> None:
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", limit)
    try:
        assert server().memory_share == share
    finally:
        redis.config_set("maxmemory", before)


def test_without_redis_it_is_unavailable_and_no_breaker_opens(no_redis: None) -> None:
    for _ in range(5):
        with pytest.raises(Unavailable, match="ConnectionError"):
            server()
    assert not client.away
