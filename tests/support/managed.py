"""A Redis as managed ones are: a cluster of one node, which lets nobody look at the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .cluster import using
from .servers import Redis, free_port
from .waiting import wait_until

# What Serverless services do not offer, or not to everybody. Whether SCAN and CLIENT are there
# differs from one to the next.
NEVER = ("INFO", "CONFIG", "KEYS", "SLOWLOG", "MONITOR", "DEBUG", "MEMORY", "OBJECT", "ACL")
SOMETIMES = ("SCAN", "DBSIZE", "CLIENT")


@contextmanager
def renamed(settings: Any, commands: Sequence[str]) -> Iterator[Redis]:
    """One that has never heard of these commands."""
    with Configured(*(f'rename-command {command} ""' for command in commands)) as server:
        yield from _of_one_node(settings, server)


@contextmanager
def forbidden(settings: Any, commands: Sequence[str]) -> Iterator[Redis]:
    """One that has them, for others."""
    rules = " ".join(f"-{command.lower()}" for command in commands)
    with Configured(f"user default on nopass ~* &* +@all {rules}") as server:
        yield from _of_one_node(settings, server)


def _of_one_node(settings: Any, server: Redis) -> Iterator[Redis]:
    with server.client() as node:
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
    with using(settings, server):  # type: ignore[arg-type]  # it takes its address alone
        yield server


class Configured(Redis):
    """A node of a cluster, or one alone, with these lines of configuration."""

    def __init__(self, *lines: str, alone: bool = False) -> None:
        self.lines = lines
        of_cluster = {"cluster-enabled": "yes", "cluster-port": free_port()}
        super().__init__(tcp=True, **({} if alone else of_cluster))

    def start(self) -> None:
        path = self.directory / "redis.conf"
        path.write_text("\n".join(self.lines) + "\n")
        self.options = {**self.options, "include": path}
        super().start()
