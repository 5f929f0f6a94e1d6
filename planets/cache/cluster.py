"""The connection factory that a Redis Cluster wants of django-redis.

    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "rediss://node1:6379,node2:6379",
            "OPTIONS": {
                "CONNECTION_FACTORY": "<this app>.cluster.ClusterConnectionFactory",
                "USERNAME": "site",
                "PASSWORD": "...",
                "SOCKET_TIMEOUT": 0.25,
                "SOCKET_CONNECT_TIMEOUT": 0.25,
                "CONNECTION_POOL_KWARGS": {"ssl_ca_certs": "/etc/ssl/redis.pem"},
            },
        }
    }

LOCATION names some of the nodes, as a list or with commas between; they tell of the others. What
one URL says of user, password, TLS and options holds for all nodes; OPTIONS go before it.
CONNECTION_POOL_KWARGS go to the connections of every node, REDIS_CLIENT_KWARGS to RedisCluster.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django_redis.pool import ConnectionFactory
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import SSLConnection, parse_url

DEFAULT_PORT = 6379


class Cluster(RedisCluster):
    """Does of all nodes what django-redis asks of one: get_many() and keys() of its caches."""

    def mget(self, keys: Any, *more: Any) -> Any:
        """The keys of several slots, not at one moment."""
        return self.mget_nonatomic(keys, *more)

    def keys(self, pattern: Any = "*", **options: Any) -> Any:
        """Those of every primary."""
        return super().keys(pattern, **{"target_nodes": RedisCluster.PRIMARIES, **options})


class ClusterConnectionFactory(ConnectionFactory):
    """Gives a LOCATION's one RedisCluster of this process, whichever of its nodes is named."""

    cluster = True  # what the layer asks of a factory before there is any connection
    _clusters: ClassVar[dict[str, RedisCluster]] = {}
    _lock = threading.Lock()

    def connect(self, url: str) -> RedisCluster:
        """Raises RedisClusterException where none of the nodes tells which others there are."""
        nodes, told = read(self.location(url))
        arguments = {**told, **self.arguments()}
        name = repr((sorted(nodes), sorted(arguments.items(), key=repr)))
        with self._lock:
            if name not in self._clusters:
                self._clusters[name] = Cluster(
                    startup_nodes=[ClusterNode(host, port) for host, port in nodes], **arguments
                )
            return self._clusters[name]

    @classmethod
    def renew(cls) -> None:
        """After a fork the parent's lock may be held, by a thread that is not here."""
        cls._lock = threading.Lock()
        cls._clusters.clear()

    def disconnect(self, connection: RedisCluster) -> None:
        """Close the connections that nobody uses; who asks again gets new ones."""
        connection.disconnect_connection_pools()

    def location(self, url: str) -> list[str]:
        """All of LOCATION, of which django-redis hands on one URL, and all of OPTIONS."""
        for cache in settings.CACHES.values():
            if cache.get("OPTIONS") is self.options:
                given = cache.get("LOCATION", url)
                return given.split(",") if isinstance(given, str) else list(given)
        return [url]

    def arguments(self) -> dict[str, Any]:
        """What OPTIONS say to RedisCluster."""
        params = self.make_connection_params("")
        del params["url"], params["parser_class"]  # of its connections it chooses the parser itself
        # One shard without a node takes away its own keys, and not all others with them.
        return {
            "require_full_coverage": False,
            **params,
            **self.pool_cls_kwargs,
            **self.redis_client_cls_kwargs,
        }


def read(location: Iterable[str]) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """The addresses of a LOCATION, and what its URLs say besides. Raises ImproperlyConfigured."""
    nodes, told, scheme = [], dict[str, Any](), "redis"
    for part in map(str.strip, location):
        if "://" in part:
            scheme = part.partition("://")[0]
        try:
            url = parse_url(part if "://" in part else f"{scheme}://{part}")
            nodes.append((url.pop("host"), url.pop("port", DEFAULT_PORT)))
        except (KeyError, ValueError):
            raise ImproperlyConfigured(
                f"{part!r} in the LOCATION of CACHES is no node of a Redis Cluster: write it as "
                "redis://host:port, or rediss://host:port for TLS"
            ) from None
        if url.pop("connection_class", None) is SSLConnection:
            url["ssl"] = True
        if number := url.pop("db", 0):
            raise ImproperlyConfigured(
                f"{part!r} in the LOCATION of CACHES names the database {number}, and a Redis "
                "Cluster has only 0: leave it out, and give each site a PREFIX in CACHE_ASIDE"
            )
        told = {**url, **told}
    return nodes, told


os.register_at_fork(after_in_child=ClusterConnectionFactory.renew)
