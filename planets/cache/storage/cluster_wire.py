"""Round trips to a Redis Cluster, which redis-py leads to the right nodes."""

from __future__ import annotations

from collections.abc import Sequence

from redis.cluster import RedisCluster

from .wire import Command, Reply


class ClusterWire:
    """One round trip a node. The keys of an MGET lie in many slots, so it goes as GETs."""

    def __init__(self, redis: RedisCluster) -> None:
        self.redis = redis

    def distrust(self) -> None:
        """Its nodes are not greeted."""

    def doubt(self) -> None:
        """Its nodes are not greeted."""

    def close(self) -> None:
        """It keeps no connections."""

    def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        pipeline = self.redis.pipeline()
        for name, *args in commands:
            if name == "MGET":
                for key in args:
                    pipeline.execute_command("GET", key)
            else:
                pipeline.execute_command(name, *args)
        replies = iter(pipeline.execute(raise_on_error=False))
        return [
            [next(replies) for _ in args] if name == "MGET" else next(replies)
            for name, *args in commands
        ]
