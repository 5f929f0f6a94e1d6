"""A primary, its replica, and the sentinels that promote it: throwaway, on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import redis

from .servers import Redis, Server, find_binary, free_port
from .waiting import wait_until

SERVICE = "thePlanets"
DOWN_AFTER = 500  # milliseconds of silence after which the primary counts as gone


class Sentinel(Server):
    """One that watches the primary at `port`, and needs a second one to call it gone.

    `directives` are of its configuration; `login` is what redis-py needs to talk to it.
    """

    def __init__(self, port: int, directives: Sequence[str], login: Mapping[str, Any]) -> None:
        super().__init__()
        self.port = free_port()
        self.login = login
        self.file = self.directory / "sentinel.conf"  # it writes into it what it learns
        over_tls = login.get("ssl")
        lines = (
            "bind 127.0.0.1",
            *(["port 0", f"tls-port {self.port}"] if over_tls else [f"port {self.port}"]),
            f"dir {self.directory}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}",
            f"sentinel failover-timeout {SERVICE} 3000",
            *directives,
        )
        self.file.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        program = find_binary("redis-server", "valkey-server")
        self.spawn([program, str(self.file), "--sentinel"], self.answers)

    def client(self) -> redis.Redis:
        return redis.Redis("127.0.0.1", self.port, decode_responses=True, **self.login)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def sees_all(self) -> bool:
        """Whether it knows the replica and two more sentinels, so that it could fail over."""
        with self.client() as client:
            state = client.sentinel_masters()[SERVICE]
            return (state["num-slaves"], state["num-other-sentinels"]) == (1, 2)


class Watched(NamedTuple):
    primary: Redis
    replica: Redis
    sentinels: list[Sentinel]

    def url(self, scheme: str = "redis+sentinel", login: str = "") -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"{scheme}://{login}{hosts}/{SERVICE}"

    def wait_for_primary(self, server: Redis) -> None:
        """Until this one is the primary, and the other follows it where it is alive."""
        other = self.primary if server is self.replica else self.replica
        wait_until(lambda: role(server)["role"] == "master")
        if other.process:
            wait_until(lambda: role(other).get("master_link_status") == "up")
            wait_until(lambda: all(sentinel.sees_all() for sentinel in self.sentinels))


def role(server: Redis) -> dict[str, Any]:
    with server.client() as client:
        return dict(client.info("replication"))


@contextmanager
def watched_servers(
    directives: Sequence[str] = (), login: Mapping[str, Any] | None = None, **options: Any
) -> Iterator[Watched]:
    """`options` are of the two servers; the others of the sentinels."""
    with ExitStack() as running:
        primary = running.enter_context(Redis(tcp=True, **options))
        follows = {"replicaof": f"127.0.0.1 {primary.port}"}
        replica = running.enter_context(Redis(tcp=True, **options, **follows))
        sentinels = [
            running.enter_context(Sentinel(primary.port, directives, login or {})) for _ in range(3)
        ]
        watched = Watched(primary, replica, sentinels)
        watched.wait_for_primary(primary)
        yield watched
