"""One Redis becomes the replica of another."""

from __future__ import annotations

from typing import Any

from .servers import Redis
from .waiting import wait_until


def follow(replica: Any, primary: Redis) -> None:
    """`replica`, a client of a server, takes all that `primary` has."""
    with primary.client() as direct:
        direct.config_set("repl-diskless-sync-delay", 0)
    replica.replicaof("127.0.0.1", primary.port)

    def follows() -> bool:
        told = replica.info("replication")
        return bool(told["role"] == "slave" and told["master_link_status"] == "up")

    wait_until(follows)
