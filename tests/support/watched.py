"""A watcher in a thread of its own, and a database that it can watch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from planets.cache.watching.position import Position
from planets.cache.watching.watcher import Watcher
from tests.cache.zoo import sky

from .primary import PASSWORD, TREE, USER, Primary
from .waiting import PATIENCE, wait_until

NAME = "watched"
TABLES = ("comet", "star", "zoo_keeper")  # of the sky, and what is written beside it
FLAVORS = ["mysql" if TREE else "mariadb"]  # what the rest of the run is on


@contextmanager
def primary(flavor: str, blocker: Any, **options: Any) -> Iterator[Primary]:
    """A server with the tables of all models; Django does not use it yet."""
    with Primary(flavor, **options) as server, blocker.unblock():
        with server.client() as root:
            root.cursor().execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
        with used(server, blocker):
            call_command("migrate", run_syncdb=True, verbosity=0)
        yield server


@contextmanager
def used(server: Primary, blocker: Any, address: str = "") -> Iterator[None]:
    """Django's database is this one, in all threads; by another `address`, where one is given."""
    settings = connections.settings["default"]
    own = {
        "HOST": address or server.socket,
        "PORT": "",
        "USER": "root",
        "PASSWORD": "",
        "NAME": NAME,
    }
    before = {name: settings[name] for name in own}
    with blocker.unblock():
        _renew(settings, own)
        try:
            yield
        finally:
            _renew(settings, before)


def _renew(settings: dict[str, Any], own: Mapping[str, str]) -> None:
    """A connection knows what kind of server it is to, so a new one is made."""
    connections["default"].close()
    settings.update(own)
    if hasattr(connections._connections, "default"):
        del connections["default"]


@pytest.fixture
def watched(
    server: Primary, django_db_blocker: Any, settings: Any, redis: Any
) -> Iterator[Primary]:
    """Django uses the `server` of the room's own fixture, and the sky is as it always was."""
    settings.CACHE_ASIDE = setting()
    with used(server, django_db_blocker):
        with server.client(database=NAME) as plain:
            cursor = plain.cursor()
            cursor.execute("SET foreign_key_checks = 0")
            for table in TABLES:
                cursor.execute(f"TRUNCATE {table}")
        sky.fill()
        connection.close()
        yield server
        connection.close()


class Watching:
    """A watcher that runs until `stop()`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.watcher = Watcher("default", {NAME: "default"}, self.hear)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.watcher.run()
        except BaseException as error:
            self.error = error

    def hear(self, what: str, more: Mapping[str, Any]) -> None:
        if what:
            self.told.append((what, dict(more)))

    def has_told(self, what: str) -> bool:
        return any(event == what for event, _ in self.told)

    def wait_for(self, what: str) -> None:
        wait_until(lambda: self.has_told(what) or self.error)
        assert not self.error, self.error

    def stop(self) -> None:
        self.watcher.stopping.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "it hangs"
        assert not self.error, self.error


@contextmanager
def watching() -> Iterator[Watching]:
    """One that has its turn and a position, and follows."""
    found = Watching()
    try:
        wait_until(lambda: found.watcher.position or found.error)
        yield found
    finally:
        found.stop()


def caught_up(found: Watching, server: Primary) -> bool:
    """Whether all that is in the server's binlog now has been invalidated."""
    with server.client() as root:
        cursor = root.cursor()
        try:
            cursor.execute("SHOW MASTER STATUS")
        except Exception:
            cursor.execute("SHOW BINARY LOG STATUS")
        file, offset = cursor.fetchone()[:2]
    position = found.watcher.position
    return position is not None and position.place >= Position("", file, offset).place


def setting() -> dict[str, Any]:
    """CACHE_ASIDE for it."""
    return {"WATCH": {"USER": USER, "PASSWORD": PASSWORD}, "BREAKER_PROBE": 0.05}
