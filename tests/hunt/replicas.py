"""A hunt whose readers load from a replica of the database, which lags now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections

from ..support.primary import Primary
from .board import Board


class LaggingReplica:
    """It follows a primary, and stops to apply what it hears until it is let go on."""

    def __init__(self, primary: Primary) -> None:
        self.server = Primary(server_id=2)
        self.server.follow(primary)

    def blows(self) -> list[Callable[[], None]]:
        """It stays behind while other things happen."""
        return [self.let_the_replica_lag, self.let_the_replica_catch_up]

    def let_the_replica_lag(self) -> None:
        self._do("STOP SLAVE SQL_THREAD")

    def let_the_replica_catch_up(self) -> None:
        self._do("START SLAVE SQL_THREAD")

    def _do(self, statement: str) -> None:
        with self.server.client() as root, root.cursor() as cursor:
            cursor.execute(statement)


class Router:
    """Sends the reads of readers to the replica; who writes goes on from what the primary has."""

    is_reader = False

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica" if Router.is_reader else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


def prepare(board: Board, settings: Any) -> None:
    """Django has the replica, and the cache knows whose it is."""
    connections.settings["replica"] = {
        **connections["default"].settings_dict,
        "HOST": board.replica,
    }
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    settings.CACHE_ASIDE["SAME_AS"] = {"replica": "default"}
