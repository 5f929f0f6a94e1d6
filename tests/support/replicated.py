"""A primary and a replica that follows it; Django has both, as `default` and `replica`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection, connections

from planets.cache.reading import applied
from tests.cache.zoo import sky

from .primary import PASSWORD, USER, Primary
from .watched import FLAVORS, NAME, TABLES, used

FOLLOW = {
    "mariadb": (
        "SET GLOBAL gtid_slave_pos = '{gtids}'",
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = '{user}', "
        "MASTER_PASSWORD = '{password}', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1",
        "START SLAVE",
    ),
    "mysql": (
        "RESET BINARY LOGS AND GTIDS",
        "SET GLOBAL gtid_purged = '{gtids}'",
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, "
        "SOURCE_USER = '{user}', SOURCE_PASSWORD = '{password}', SOURCE_AUTO_POSITION = 1, "
        "GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1",
        "START REPLICA",
    ),
}
WORDS = {"mariadb": "SLAVE", "mysql": "REPLICA"}
GTIDS = {"mariadb": "gtid_binlog_pos", "mysql": "gtid_executed"}


class Pair(NamedTuple):
    primary: Primary
    replica: Primary

    def ask(self, server: Primary, sql: str) -> Any:
        """The first value of the first row, by a client of nobody's."""
        with server.client() as root, root.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            return row[0] if row else None

    def lag(self) -> None:
        """The replica hears of what is written from here on, and does not apply it."""
        self.ask(self.replica, f"STOP {WORDS[self.replica.flavor]} SQL_THREAD")

    def catch_up(self) -> None:
        """The replica applies, and has applied, all that the primary has."""
        self.ask(self.replica, f"START {WORDS[self.replica.flavor]} SQL_THREAD")
        self.wait_until_applied()

    def wait_until_applied(self) -> None:
        gtids = self.ask(self.primary, f"SELECT @@GLOBAL.{GTIDS[self.primary.flavor]}")
        question = {"mariadb": applied.OF_MARIADB, "mysql": applied.OF_MYSQL}
        wait = question[self.replica.flavor] % (f"'{''.join(gtids.split())}'", 30)
        assert self.ask(self.replica, wait) == 0

    def name(self, server: Primary) -> str:
        """What star 3 is called there."""
        return str(self.ask(server, f"SELECT name FROM {NAME}.star WHERE id = 3"))


@contextmanager
def replicated(flavor: str, blocker: Any) -> Iterator[Pair]:
    """Both servers, with the tables of all models; Django does not use them yet."""
    with (
        Primary(flavor) as primary,
        Primary(flavor, server_id=2) as replica,
        blocker.unblock(),
    ):
        pair = Pair(primary, replica)
        follow(pair)
        with used(primary, blocker):
            migrate(pair)
        yield pair


def follow(pair: Pair) -> None:
    """From here on the replica gets what the primary does."""
    primary, flavor = pair.primary, pair.primary.flavor
    pair.ask(primary, f"CREATE USER {USER}@127.0.0.1 IDENTIFIED BY '{PASSWORD}'")
    pair.ask(primary, f"GRANT REPLICATION SLAVE ON *.* TO {USER}@127.0.0.1")
    gtids = pair.ask(primary, f"SELECT @@GLOBAL.{GTIDS[flavor]}")
    told = {"gtids": gtids, "port": primary.port, "user": USER, "password": PASSWORD}
    for statement in FOLLOW[flavor]:
        pair.ask(pair.replica, statement.format(**told))
    pair.ask(primary, f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")


def migrate(pair: Pair) -> None:
    """The tables of all models, on both."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    pair.wait_until_applied()


class ReadsFromReplica:
    """The simplest of routers."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


@contextmanager
def used_replica(alias: str, server: Primary) -> Iterator[None]:
    """Django has the server under this alias until the end of this, whatever happens before."""
    own = {"HOST": server.socket, "NAME": NAME}
    connections.settings[alias] = {**connections.settings["default"], **own}
    try:
        connections[alias].connect()
        yield
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


@pytest.fixture(scope="module", params=FLAVORS)
def servers(request: Any, django_db_blocker: Any) -> Iterator[Pair]:
    with replicated(request.param, django_db_blocker) as pair:
        yield pair


@pytest.fixture
def pair(servers: Pair, django_db_blocker: Any, settings: Any, redis: Any) -> Iterator[Pair]:
    """Django reads from the replica, which has caught up, and the sky is as it always was."""
    with used(servers.primary, django_db_blocker):
        with servers.primary.client(database=NAME) as plain:
            cursor = plain.cursor()
            cursor.execute("SET foreign_key_checks = 0")
            for table in TABLES:
                cursor.execute(f"TRUNCATE {table}")
        sky.fill()
        with used_replica("replica", servers.replica):
            settings.DATABASE_ROUTERS = [f"{__name__}.ReadsFromReplica"]
            settings.CACHE_ASIDE = {
                "HISTORY": 0,
                "SAME_AS": {"replica": "default"},
                "BREAKER_PROBE": 0.05,
            }
            servers.catch_up()
            yield servers
            servers.catch_up()
        connection.close()
