"""What one connection may see that others do not, and whether a transaction is open on it.

Both are told by its statements. Where one hides what it does (a procedure, several statements in
one string), its results are taken for its own until it closes, and the server is asked whether a
transaction is open.
"""

from __future__ import annotations

import re
from typing import Any

from .statement import Statement

# MySQL has no variable that tells. In a transaction it refuses this, which changes nothing else.
REFUSED_IN_TRANSACTION = "SET TRANSACTION READ WRITE"
REFUSED = 1568  # ER_CANT_CHANGE_TX_CHARACTERISTICS


class Session:
    """It lives as long as the connection object; what the server's session had ends with that."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.ended()

    def ended(self) -> None:
        """The server's session is over, and what it had set with it."""
        self.private = ""  # why it may see what others do not
        self.elsewhere = False  # its tables may be those of another database
        self.isolation_set = False  # somebody ran SET TRANSACTION ISOLATION LEVEL
        self.unsure = False  # whether a transaction is open, only the server knows

    def hear(self, statement: Statement) -> None:
        """A statement is about to run."""
        self.isolation_set = self.isolation_set or statement.isolation
        if statement.private and not (statement.charset and self._has(statement.charset)):
            self.private = self.private or statement.private
            self.elsewhere = self.elsewhere or statement.elsewhere

    def _has(self, charset: str) -> bool:
        """Whether SET NAMES of it changes nothing."""
        options = self.connection.settings_dict["OPTIONS"]
        if re.search("names|coll|char", str(options.get("init_command")), re.I):
            return False
        other = {"collation", "read_default_file", "read_default_group"} & options.keys()
        return not other and charset == (options.get("charset") or "utf8mb4").lower()

    @property
    def waits_for_commit(self) -> bool:
        """Whether what is written waits for a COMMIT, as the driver knows without asking.

        It does not know of a BEGIN on MySQL.
        """
        connection, driver = self.connection, self.connection.connection
        try:
            if driver is not None and connection.vendor == "sqlite":
                return bool(driver.in_transaction or driver.isolation_level is not None)
            if autocommit := getattr(driver, "get_autocommit", None):
                # What the server said last: somebody may have run SET autocommit = 0.
                return not autocommit()
        except connection.Database.Error:
            pass  # It is closed. What is run on it fails, in Django's own words.
        return bool(connection.in_atomic_block or not connection.autocommit)

    def may_change_transaction(self, statement: Statement) -> bool:
        """Whether only the server knows if a transaction is open after a statement."""
        if self.connection.vendor == "sqlite":
            return False  # whose driver always knows
        hidden = statement.commits == "perhaps"
        return hidden or (bool(self.private) and statement.kind in ("write", "begin", "end"))

    def may_commit(self, statement: Statement) -> bool:
        """Whether a statement that is no COMMIT may end the transaction that is open."""
        # Django's own savepoints stand within a BEGIN, which their release does not end.
        djangos = self.connection.vendor == "sqlite" and self.connection.in_atomic_block
        return bool(statement.commits) and not djangos

    def has_unread_results(self) -> bool:
        """Whether the last statement has, or may have, results that asking would throw away."""
        driver = self.connection.connection
        if driver is None:
            return False
        more = getattr(driver, "more_results", None)  # from mysqlclient 2.3 on
        try:
            return bool(more()) if more else True
        except self.connection.Database.Error:
            return False  # it is closed

    def ask(self) -> bool | None:
        """Whether a transaction is open; None where there is no answer."""
        driver = self.connection.connection
        if driver is None or self.connection.vendor != "mysql":
            return None
        try:
            # Past Django's wrappers: this is no statement of the application's.
            with driver.cursor() as cursor:
                if "mariadb" not in driver.get_server_info().lower():
                    cursor.execute(REFUSED_IN_TRANSACTION)
                    return False
                cursor.execute("SELECT @@in_transaction")
                return bool(cursor.fetchone()[0])
        except self.connection.Database.Error as error:
            return True if error.args[:1] == (REFUSED,) else None
