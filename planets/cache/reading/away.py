"""Whether the database is away, as the error tells that a read of it has raised."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError

# MySQL's numbers for "no server, no connection": cannot connect (2002, 2003), unknown host
# (2005), gone or lost in the middle (2006, 2013), too many connections (1040, 1203), shutting
# down (1053).
MYSQL = frozenset([1040, 1053, 1203, 2002, 2003, 2005, 2006, 2013])
SQLITE = frozenset(["unable to open database file", "database is locked"])


class DatabaseAway(DatabaseError):
    """To be raised by who knows that the database is away, and asks it nothing.

    Not an OperationalError: after one of those, a write may or may not have been done.
    """


def is_away(error: BaseException) -> bool:
    """Other errors, such as a missing column, are faults of the site."""
    if not isinstance(error, OperationalError):
        return isinstance(error, InterfaceError | DatabaseAway)
    reason = error.args[0] if error.args else ""
    return reason in MYSQL or str(reason) in SQLITE
