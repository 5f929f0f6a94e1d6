"""The connection factory that a Redis Cluster wants of django-redis."""

from __future__ import annotations

from typing import Any

from django_redis.pool import ConnectionFactory
from redis.cluster import RedisCluster


class ClusterFactory(ConnectionFactory):
    def connect(self, url: str) -> Any:
        return RedisCluster.from_url(url, socket_timeout=1, socket_connect_timeout=1)
