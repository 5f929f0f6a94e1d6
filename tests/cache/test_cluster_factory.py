"""What CACHES says of a Redis Cluster, and what the connections are made of."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from planets.cache.cluster import ClusterConnectionFactory, read


@pytest.mark.parametrize(
    "location",
    [
        "redis://one:7001,two:7002",
        "redis://one:7001, redis://two:7002/0",
        ["redis://one:7001", "redis://two:7002"],
        ("one:7001", "two:7002"),
    ],
)
def test_a_location_is_a_list_or_has_commas(settings: Any, location: Any) -> None:
    settings.CACHES = {"default": {"LOCATION": location, "OPTIONS": {}}}
    factory = ClusterConnectionFactory(settings.CACHES["default"]["OPTIONS"])
    assert read(factory.location("redis://one:7001")) == ([("one", 7001), ("two", 7002)], {})


def test_what_one_url_says_holds_for_all_nodes() -> None:
    nodes, told = read(["rediss://site:pass%20word@one?socket_timeout=0.5", "two:7002"])
    assert nodes == [("one", 6379), ("two", 7002)]
    assert told == {
        "username": "site", "password": "pass word", "ssl": True, "socket_timeout": 0.5
    }  # fmt: skip


def test_options_go_before_urls() -> None:
    factory = ClusterConnectionFactory(
        {
            "USERNAME": "site",
            "PASSWORD": "secret",
            "SOCKET_TIMEOUT": 1,
            "CONNECTION_POOL_KWARGS": {"ssl_ca_certs": "ca.pem"},
            "REDIS_CLIENT_KWARGS": {"require_full_coverage": True},
        }
    )
    assert factory.arguments() == {
        "username": "site",
        "password": "secret",
        "socket_timeout": 1,
        "ssl_ca_certs": "ca.pem",
        "require_full_coverage": True,
    }


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("unix:///run/redis.sock", "write it as redis://host:port"),
        ("redis://", "write it as redis://host:port"),
        ("redis://one:port", "write it as redis://host:port"),
        ("redis://one/3", "has only 0"),
    ],
)
def test_what_is_no_node_of_a_cluster_is_named(location: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^'{location}' in the LOCATION.*{told}"):
        read([location])
