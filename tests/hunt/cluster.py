"""A hunt on a Redis Cluster: primaries die, come back as replicas, fall silent; slots move."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from typing import Any

from ..support.cluster import NODE_TIMEOUT, Cluster, Node
from ..support.waiting import wait_until
from .__main__ import Hunt

# Seconds after which Redis has given up a failover that somebody asked for.
GIVEN_UP = 6.0


class ClusterHunt(Hunt):
    """Its one Redis is there for the settings of tests alone, and nothing lies in it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cluster = self.servers.enter_context(Cluster())
        self.board.cluster = self.cluster.url

    def blows(self) -> list[Callable[[], None]]:
        return [
            self.kill_a_writer, self.kill_a_writer_after_commit, self.cut_a_database_connection,
            self.kill_a_primary, self.restart_a_primary, self.promote_one_that_forgot,
            self.change_places, self.pause_a_primary, self.silence_a_primary,
            self.move_slots, self.move_slots_slowly, self.flush_a_node, self.cut_connections,
            self.refuse_writes, self.evict,
        ]  # fmt: skip

    def a_primary(self) -> Node:
        return self.random.choice([node for node in self.cluster.nodes if node.is_primary])

    def has_replica(self, primary: Node) -> bool:
        """The next failover needs one that has caught up."""
        with contextlib.suppress(LookupError):
            return bool(self.cluster.replica(primary))
        return False

    def victim(self) -> tuple[Node, Node]:
        """A primary and its replica, when all is well again."""
        self.cluster.wait_until_whole()
        primary = self.a_primary()
        wait_until(lambda: self.has_replica(primary))
        return primary, self.cluster.replica(primary)

    def bring_back(self, node: Node) -> None:
        node.start()
        wait_until(lambda: not node.is_primary and node.ask("ROLE")[3:4] == [b"connected"])
        self.cluster.wait_until_whole()
        self.disturbed = time.monotonic()

    # --- nodes

    def kill_a_primary(self) -> None:
        primary, heir = self.victim()
        primary.stop(signal.SIGKILL)
        wait_until(lambda: heir.is_primary)
        self.disturbed = time.monotonic()
        time.sleep(self.random.uniform(0, 1))
        self.bring_back(primary)

    def restart_a_primary(self) -> None:
        """It has forgotten everything, and is the primary all the same."""
        primary, _ = self.victim()
        primary.restart(signal.SIGKILL)
        self.cluster.wait_until_whole()
        self.disturbed = time.monotonic()

    def promote_one_that_forgot(self) -> None:
        primary, heir = self.victim()
        heir.pause()
        primary.ask("CLIENT", "KILL", "TYPE", "replica")
        time.sleep(self.random.uniform(0.05, 0.5))
        primary.stop(signal.SIGKILL)
        heir.resume()
        wait_until(lambda: heir.is_primary)
        self.disturbed = time.monotonic()
        self.bring_back(primary)

    def change_places(self) -> None:
        """As an operator does it before he updates a node."""
        primary, heir = self.victim()
        asked = float("-inf")

        def have_changed() -> bool:
            nonlocal asked
            if heir.is_primary:
                return not primary.is_primary
            if time.monotonic() - asked > GIVEN_UP:
                asked = time.monotonic()
                heir.ask("CLUSTER", "FAILOVER")
            return False

        wait_until(have_changed)
        self.cluster.wait_until_whole()
        self.disturbed = time.monotonic()

    def pause_a_primary(self) -> None:
        """Not so long that another takes its place."""
        primary = self.a_primary()
        primary.pause()
        time.sleep(self.random.uniform(0.05, 0.5 * NODE_TIMEOUT / 1000))
        primary.resume()
        self.disturbed = time.monotonic()

    def silence_a_primary(self) -> None:
        """So long that another takes its place; then it is there again, and finds out."""
        primary, heir = self.victim()
        primary.pause()
        wait_until(lambda: heir.is_primary)
        time.sleep(self.random.uniform(0, 1))
        primary.resume()
        wait_until(lambda: not primary.is_primary)
        self.cluster.wait_until_whole()
        self.disturbed = time.monotonic()

    def flush_a_node(self) -> None:
        self.a_primary().ask("FLUSHALL")
        self.disturbed = time.monotonic()

    def cut_connections(self) -> None:
        self.a_primary().ask("CLIENT KILL TYPE normal")
        self.disturbed = time.monotonic()

    # --- slots

    def used_slots(self) -> list[int]:
        """Those of keys that readers and writers meet in."""
        node = self.a_primary()
        with node.client() as direct:
            names = [direct.randomkey() for _ in range(8)]
        return sorted({self.cluster.slot(name.decode()) for name in names if name})

    def move_slots(self) -> None:
        self.cluster.wait_until_whole()
        for slot in self.used_slots():
            self.cluster.move(slot, self.another_than_owner(slot))
        self.disturbed = time.monotonic()

    def move_slots_slowly(self) -> None:
        self.cluster.wait_until_whole()
        for slot in self.used_slots()[:3]:
            with self.cluster.moving(slot, self.another_than_owner(slot)) as move_keys:
                time.sleep(self.random.uniform(0, 0.2))
                move_keys(1)
                time.sleep(self.random.uniform(0, 0.2))
        self.disturbed = time.monotonic()

    def another_than_owner(self, slot: int) -> Node:
        owner = self.cluster.owner(slot)
        nodes = [node for node in self.cluster.nodes if node.is_primary and node is not owner]
        return self.random.choice(nodes)

    @contextlib.contextmanager
    def configured(self, **options: Any) -> Any:
        """One node is configured so for a while."""
        usual, self.redis = self.redis, self.a_primary()
        try:
            with super().configured(**options):
                yield
        finally:
            self.redis = usual
