from __future__ import annotations

from typing import Any

from django.db import connection

from .driver import MySQLdb


def sql(statement: str, *params: Any) -> None:
    """Run a statement past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)


def past_django(**other: Any) -> Any:
    """A connection of the driver's own to the same MySQL, with values of its own types."""
    parameters = connection.get_connection_params()
    names = {"unix_socket", "host", "port", "database", "charset", "user", "password"}
    return MySQLdb.connect(**{name: parameters[name] for name in names & parameters.keys()} | other)
