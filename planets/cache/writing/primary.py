"""How far the primary of a replicated database has come, as it tells itself.

The driver does not hand on the gtid that a server puts into its answer to a COMMIT. So it is asked
afterwards, for all that it has committed: that holds the write and perhaps more, and is safe.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from django.db import connections

from ..conf import conf
from ..storage import keys, places
from ..storage.position import UNKNOWN, position

logger = logging.getLogger(__name__)

# Of MySQL the mode as well: while it is not ON, the set need not grow with each transaction.
OF_MYSQL = "SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_mode = 'ON'"
OF_MARIADB = "SELECT @@GLOBAL.gtid_binlog_pos, 1"


class Committed(NamedTuple):
    """Where a write stands in the binlog of its database, and of which gates that says anything."""

    gates: str = ""  # what theirs begin with
    position: str = UNKNOWN

    def of(self, gate: str) -> str:
        """What the opening of a gate may say; UNKNOWN of another database's."""
        return self.position if gate.startswith(self.gates) else UNKNOWN


NOWHERE = Committed()


def committed(connection: Any) -> Committed:
    """How far the database has come, where SAME_AS names replicas of it.

    One round trip; none where there are no replicas.
    """
    same_as = conf().SAME_AS
    if not same_as or connection.alias not in same_as.values():
        return NOWHERE
    return Committed(keys.gate(connection.alias, ""), position_for_gates(connection))


def position_for_gates(connection: Any) -> str:
    """The position to be left in the gates of a connection's database; UNKNOWN where it does not
    tell, or where another server has a database of this name, which shares its gates.
    """
    alias = connection.alias
    name, place = places.database_name(alias), places.database(alias)
    sharing = (other for other in connections if places.database_name(other) == name)
    if any(not places.primary(other) and places.database(other) != place for other in sharing):
        return UNKNOWN
    return position_of(connection)


def position_of(connection: Any) -> str:
    """UNKNOWN where its server numbers no transactions, or cannot be asked now."""
    driver = connection.connection
    if driver is None or connection.vendor != "mysql":
        return UNKNOWN
    mariadb = is_mariadb(driver)
    try:
        # Past Django's wrappers: this is no statement of the application's.
        with driver.cursor() as cursor:
            cursor.execute(OF_MARIADB if mariadb else OF_MYSQL)
            gtids, numbers = cursor.fetchone()
    except connection.Database.Error as error:
        logger.debug("Database %r does not tell its position: %s", connection.alias, error)
        return UNKNOWN
    return position(str(gtids or ""), mariadb=mariadb) if numbers else UNKNOWN


def is_mariadb(driver: Any) -> bool:
    """Whether MariaDB is at the other end of a connection of the driver."""
    return "mariadb" in driver.get_server_info().lower()
