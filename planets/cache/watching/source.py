"""The database as the source of a binlog: what the watcher asks it over a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from ..conf import conf
from ..extras import extra
from ..storage import keys
from ..storage.position import position
from ..writing.primary import NOWHERE, Committed
from .gtids import Gtids, OfMariaDB, OfMySQL, is_readable
from .position import Position
from .tls import tls

with extra("watch"):
    import pymysql
    from pymysql.constants import CLIENT, ER

SNAPSHOT = (
    "START TRANSACTION WITH CONSISTENT SNAPSHOT; SHOW STATUS LIKE 'binlog_snapshot_%'; COMMIT"
)
# A server that is silent for so long is not there: it sends a heartbeat each HEARTBEAT.
HEARTBEAT, SILENCE = 0.5, 10.0  # seconds
LOST = (pymysql.err.MySQLError, OSError)


class BinlogOff(Exception):
    """The server writes no binlog."""


def address(alias: str) -> dict[str, Any]:
    """What pymysql needs to reach the database of an alias, as the user of the watcher.

    Raises ImproperlyConfigured for a database without a binlog.
    """
    settings = {**connections.settings[alias], **conf().WATCH}
    if connections[alias].vendor != "mysql":
        raise ImproperlyConfigured(
            f"DATABASES[{alias!r}] is {settings['ENGINE']!r}, and only MySQL and MariaDB have a "
            "binlog to watch."
        )
    host, options = str(settings["HOST"]), settings["OPTIONS"]
    given: dict[str, Any] = {
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "connect_timeout": SILENCE,
        "read_timeout": SILENCE,
        "charset": "utf8mb4",
    }
    if socket := host if host.startswith("/") else options.get("unix_socket"):
        given["unix_socket"] = socket
    else:
        given |= {"host": host or "localhost", "port": int(settings["PORT"] or 3306)}
    if context := tls(options):
        given["ssl"] = context
    return given


def databases(alias: str) -> dict[str, str]:
    """The databases on the server of an alias that are cached: the name to an alias of it."""
    there = [connections.settings[alias].get(part) for part in ("ENGINE", "HOST", "PORT")]
    found: dict[str, str] = {}
    for other in (alias, *connections):
        settings = connections.settings[other]
        if [settings.get(part) for part in ("ENGINE", "HOST", "PORT")] == there:
            found.setdefault(str(settings["NAME"]).lower(), other)
    return found


class Source:
    """Its connection is made anew by whoever meets one of LOST."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.address = address(alias)
        self._connection: Any = None
        self.is_mariadb = self.has_gtids = False
        self.server = self._grants = ""
        self.clock = 0.0  # seconds by which the server's is ahead of ours

    def connect(self) -> None:
        self.close()
        self._grants = ""
        self._connection = pymysql.connect(
            **self.address, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS
        )
        told = self.ask("SELECT UNIX_TIMESTAMP(NOW(6))")[0][0]
        self.clock = float(told) - time.time()
        self.is_mariadb = "MariaDB" in self._connection.get_server_info()
        if self.variable("log_bin").upper() not in ("1", "ON"):
            raise BinlogOff("log_bin is OFF")
        if self.is_mariadb:
            self.has_gtids = True
            return
        self.server = self.variable("server_uuid")
        self.has_gtids = self.variable("gtid_mode") == "ON" and is_readable(
            self.variable("gtid_executed")
        )

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def ask(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query. Raises one of LOST, and what the server says of the query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def variable(self, name: str) -> str:
        """A global variable; "" where the server has none of the name."""
        rows = self.ask("SHOW GLOBAL VARIABLES LIKE %s", [name])
        return str(rows[0][1]) if rows else ""

    def may(self, *rights: str) -> bool:
        """Whether its user has one of these rights, on the database or on all."""
        if not self._grants:
            self._grants = " ".join(str(row[0]).upper() for row in self.ask("SHOW GRANTS"))
        return any(right in self._grants for right in (*rights, "ALL PRIVILEGES"))

    def gtids(self, text: str) -> Gtids:
        return OfMariaDB(text) if self.is_mariadb else OfMySQL(text)

    # --- where its binlog is

    def end(self) -> Position:
        """Where the binlog ends now: what was committed before is before it, or has its gtid."""
        gtids = ""
        if self.has_gtids:
            name = "gtid_binlog_pos" if self.is_mariadb else "gtid_executed"
            gtids = self.ask(f"SELECT @@GLOBAL.{name}")[0][0].replace("\n", "")
        file, offset = self.status()[:2]
        return Position(self.server, file, int(offset), gtids)

    def committed(self) -> Committed:
        """How far it has come, where it has replicas that are read."""
        if not (self.has_gtids and self.alias in conf().SAME_AS.values()):
            return NOWHERE
        name = "gtid_binlog_pos" if self.is_mariadb else "gtid_executed"
        gtids = self.ask(f"SELECT @@GLOBAL.{name}")[0][0]
        return Committed(keys.gate(self.alias, ""), position(gtids, mariadb=self.is_mariadb))

    def status(self) -> tuple[Any, ...]:
        try:
            rows = self.ask(
                "SHOW BINARY LOG STATUS" if not self.is_mariadb else "SHOW MASTER STATUS"
            )
        except pymysql.err.ProgrammingError as error:
            if error.args[0] != ER.PARSE_ERROR:
                raise
            rows = self.ask("SHOW MASTER STATUS")  # MySQL before 8.2
        if not rows:
            raise BinlogOff("log_bin is OFF")
        return rows[0]

    def unknown(self, position: Position) -> str:
        """Why nobody can go on from there on this server; "" where one can."""
        if self.is_mariadb:
            return ""  # it says so itself
        if position.gtids and self.has_gtids:
            known, there = self.ask(
                "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed), "
                "GTID_SUBSET(@@GLOBAL.gtid_purged, %s)",
                [position.gtids, position.gtids],
            )[0]
            if not known:
                return "the server has not executed what was followed"
            return "" if there else "the binlog from there on was purged"
        if position.server != self.server:
            return "it is another server"
        sizes = {row[0]: row[1] for row in self.ask("SHOW BINARY LOGS")}
        if position.offset > sizes.get(position.file, -1):
            return f"the server has no {position} any more"
        return ""

    def bytes_behind(self, position: Position) -> int:
        """How much of the binlog comes after a position."""
        sizes = [(Position("", row[0], 0), int(row[1])) for row in self.ask("SHOW BINARY LOGS")]
        here = Position("", position.file, 0).place
        return max(0, sum(size for at, size in sizes if at.place >= here) - position.offset)

    # --- what can be seen

    def wait_until_visible(self, end: Position, gtids: str, seconds: float) -> bool:
        """Whether others can read all transactions up to `end`, of which `gtids` are new.

        A server hands out a transaction's events before its engine has committed it, so who reads
        at once may read the past.
        """
        if not self.is_mariadb:
            if not gtids:
                return True
            waited = self.ask("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", [gtids, seconds])
            return bool(waited[0][0] == 0)
        until, pause = time.monotonic() + seconds, 0.0001
        while self._snapshot().place < end.place:
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.01)
        return True

    def _snapshot(self) -> Position:
        """Up to where the binlog is in a snapshot of the engine that is taken now."""
        with self._connection.cursor() as cursor:
            cursor.execute(SNAPSHOT)
            cursor.nextset()
            found = {str(name).lower(): value for name, value in cursor.fetchall()}
            cursor.nextset()
        return Position("", found["binlog_snapshot_file"], int(found["binlog_snapshot_position"]))
