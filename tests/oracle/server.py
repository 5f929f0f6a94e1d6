"""Which tables a statement reads and writes, as the database server itself says.

There is a user for each right on each table, who has all rights but that one: the server denies
him a statement just where the statement needs that right. What it needs to SELECT it reads, and
what it needs to INSERT, UPDATE or DELETE it writes. Nothing is run for that: the server checks
rights when it prepares. Which rows a statement changes is tried out, and rolled back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.driver import MySQLdb

from ..support import servers
from .grammar import TABLES

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
DENIED = frozenset({1142, 1143})  # for a table, for a column
IDS = frozenset({1, 2, 3, 4})
ROWS = "(1, 1, 'a', 1), (2, 3, 'b', NULL), (3, 2, 'a', 3), (4, NULL, NULL, 1)"
COLUMNS = "id INT PRIMARY KEY, x INT DEFAULT 1, y VARCHAR(30), value INT, KEY ix (x)"
LOST = frozenset({2006, 2013})  # the connection, with the server at its other end
# For what PARTITION (p0) names.
PARTITIONED = "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN MAXVALUE)"


DATABASE = "oracle_of_tables"


class Crashed(Exception):
    """The server has, by a statement. Random ones find faults in servers, too."""


class Oracle:
    """A database and users of its own on a server, where `options` log an administrator in."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.root = MySQLdb.connect(**options)
        self.cursor = self.root.cursor()
        lacking = [(table, right) for table in TABLES for right in RIGHTS]
        self.users = {f"oracle_{number}": lacks for number, lacks in enumerate(lacking)}
        self.cursor.execute("SELECT VERSION()")
        (self.version,) = self.cursor.fetchone()
        self._build()
        place = {name: options[name] for name in ("unix_socket", "host", "port") if name in options}
        self.denied = {
            lacks: MySQLdb.connect(**place, user=user, database=DATABASE).cursor()
            for user, lacks in self.users.items()
        }

    def _build(self) -> None:
        run = self.cursor.execute
        run(f"DROP DATABASE IF EXISTS {DATABASE}")
        run(f"CREATE DATABASE {DATABASE}")
        run(f"USE {DATABASE}")
        for table in TABLES:
            run(f"CREATE TABLE `{table}` ({COLUMNS}) {PARTITIONED}")
            run(f"INSERT INTO `{table}` VALUES {ROWS}")
        self.root.commit()
        for user, lacks in self.users.items():
            run(f"CREATE USER IF NOT EXISTS {user}@'%'")
            for table in TABLES:
                rights = ", ".join(right for right in RIGHTS if (table, right) != lacks)
                run(f"GRANT {rights} ON {DATABASE}.`{table}` TO {user}@'%'")

    def close(self) -> None:
        for cursor in self.denied.values():
            cursor.connection.close()
        self.cursor.execute(f"DROP DATABASE {DATABASE}")
        for user in self.users:
            self.cursor.execute(f"DROP USER {user}@'%'")
        self.root.close()

    def set_mode(self, sql_mode: str) -> None:
        for cursor in (self.cursor, *self.denied.values()):
            cursor.execute("SET SESSION sql_mode = %s", [sql_mode])

    def needs(self, sql: str) -> tuple[set[str], set[str]] | None:
        """The tables that it reads, and those that it writes; None where it is no statement.

        Raises Crashed.
        """
        prepare = b"PREPARE it FROM " + self.root.literal(sql)
        try:
            self.cursor.execute(prepare)
        except MySQLdb.Error as error:
            if error.args[0] in LOST:
                raise Crashed(sql) from error
            return None
        read: set[str] = set()
        written: set[str] = set()
        for (table, right), cursor in self.denied.items():
            try:
                cursor.execute(prepare)
            except MySQLdb.Error as error:
                if error.args[0] not in DENIED:
                    raise
                (read if right == "SELECT" else written).add(table.lower())
        return read, written

    def changes(self, sql: str) -> dict[str, set[int]]:
        """By table, the ids of the rows that were there before and are not the same after it.

        Raises Crashed.
        """
        before = {table: self._rows(table) for table in TABLES}
        try:
            self.cursor.execute(sql)
        except MySQLdb.Error as error:  # what it did until then counts
            if error.args[0] in LOST:
                raise Crashed(sql) from error
        after = {table: self._rows(table) for table in TABLES}
        self.root.rollback()
        return {
            table.lower(): {row[0] for row in before[table] ^ after[table]} & IDS
            for table in TABLES
        }

    def _rows(self, table: str) -> set[tuple[Any, ...]]:
        self.cursor.execute(f"SELECT * FROM `{table}`")
        return set(self.cursor.fetchall())


@contextmanager
def asked(options: dict[str, Any]) -> Iterator[Oracle]:
    oracle = Oracle(options)
    try:
        yield oracle
    except Crashed:
        raise  # there is nothing left to close
    except BaseException:
        oracle.close()
        raise
    else:
        oracle.close()


@contextmanager
def login() -> Iterator[dict[str, Any]]:
    """How an administrator logs in, to a server that lives as long as this."""
    if host := os.environ.get("TEST_DB_HOST"):
        port = int(os.environ.get("TEST_DB_PORT") or 3306)
        place = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
        user, password = os.environ["TEST_DB_USER"], os.environ.get("TEST_DB_PASS", "")
        yield {**place, "user": user, "password": password}
    else:
        with servers.MariaDB() as mariadb:
            yield {"unix_socket": mariadb.socket, "user": mariadb.user}
