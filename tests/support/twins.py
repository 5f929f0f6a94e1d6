"""Two database servers, each with a database of the same name, behind one address.

So a container called `db` is in each network, and so a failover looks: what the address leads to is
another server, and no setting says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, connections

from tests.support.driver import MySQLdb

from .servers import MariaDB


class Twins:
    """The run's own database server, and another one with a copy of one of its tables."""

    def __init__(self, link: Path, other: MariaDB) -> None:
        self.link, self.other = link, other
        self.first: str = connections.settings["default"]["HOST"]

    def lead_to_first(self) -> None:
        self._lead_to(self.first)

    def lead_to_other(self) -> None:
        """Whoever connects from here on finds the other; connections that are open stay."""
        self._lead_to(self.other.socket)

    def _lead_to(self, socket: str) -> None:
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(socket)

    def copy(self, table: str) -> None:
        """The other one has this table as it is now."""
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW CREATE TABLE {table}")
            create = cursor.fetchone()[1]
            cursor.execute(f"SELECT * FROM {table}")
            rows = cursor.fetchall()
        name = connection.settings_dict["NAME"]
        direct = MySQLdb.connect(unix_socket=self.other.socket, user=self.other.user)
        with direct, direct.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"USE {name}")
            cursor.execute(create)
            cursor.executemany(
                f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})",
                rows,
            )
            direct.commit()


@contextmanager
def twins(link: Path, other: MariaDB) -> Iterator[Twins]:
    """Within it the database's address is the link, which leads to the first at the beginning."""
    both = Twins(link, other)
    both.lead_to_first()
    connections.close_all()
    connections.settings["default"]["HOST"] = str(link)
    try:
        yield both
    finally:
        connections.close_all()
        connections.settings["default"]["HOST"] = both.first
