"""What the transaction of one connection has written, and what others must therefore not read.

    statement    close the gates of its tables (one round trip, only those not yet closed)
    COMMIT
    open         take our id away; the last writer's going lets readers open a new generation

Closing first is what makes a kill between COMMIT and the opening harmless: the gate stays closed
until its deadline, and then a new generation begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from ..conf import conf
from ..storage import gates
from .stale import MAX_RECORDS, Touched


@dataclass
class Transaction:
    """The writes of one connection that readers must not yet trust, or no longer.

    It lives as long as the connection object: what it holds ends with each transaction of the
    database's, by commit, rollback, close or the end of manual mode, whichever comes.
    """

    connection: BaseDatabaseWrapper
    pending: Touched = Touched()
    settled: Touched = Touched()  # by the last statement, where it committed by itself
    writer: str = field(default_factory=gates.token)
    sql: str = ""
    closed_at: float = 0.0
    by_hand: bool = False  # it was begun by a plain BEGIN
    isolation_set: bool = False  # somebody ran SET TRANSACTION ISOLATION LEVEL
    private: bool = False  # the connection uses another database, or has temporary tables
    outcome_unknown: bool = False  # COMMIT was sent and no answer came

    @property
    def in_progress(self) -> bool:
        """Whether what is written now waits for a COMMIT."""
        connection = self.connection
        if connection.in_atomic_block or self.by_hand or not connection.autocommit:
            return True
        # What the server said last: somebody may have run SET autocommit = 0.
        autocommit = getattr(connection.connection, "get_autocommit", None)
        return bool(autocommit and not autocommit())

    # --- writes

    def write(self, touched: Touched, write: Callable[[], Any], sql: str = "") -> Any:
        """Do a write between the closing and the opening of what it touches."""
        self.close_gates(touched, sql)
        if self.in_progress:
            return write()
        try:
            result = write()
        except (OperationalError, InterfaceError):
            # A lost connection does not tell whether the server did it, or will.
            self.outcome_unknown = not _alive(self.connection)
            raise
        finally:
            self.open_gates()
        self.settled = touched
        return result

    def close_gates(self, touched: Touched, sql: str = "") -> None:
        """Close what is not closed yet, until the transaction ends."""
        self.renew()  # a statement may also commit what was open, as ALTER TABLE does
        if touched.records and len(self.pending.records | touched.records) > MAX_RECORDS:
            touched = touched.in_bulk(self.connection.alias)
        if new := touched - self.pending:
            if not self.pending:
                self.closed_at = time.monotonic()
            self.sql = sql
            self.pending |= touched
            if not new.close(self.writer):
                self.closed_at = float("-inf")  # to be tried again

    def renew(self) -> None:
        """In a long transaction: gates must outlast COMMIT, or a kill would leave old entries."""
        if self.pending and time.monotonic() - self.closed_at > conf().WRITE_DEADLINE / 2:
            closed = self.pending.close(self.writer)
            self.closed_at = time.monotonic() if closed else float("-inf")

    # --- its end

    def open_gates(self) -> None:
        """Open what the transaction has closed: after COMMIT and after ROLLBACK alike.

        A gate must never outlive its writer.
        """
        pending, writer, unknown = self.pending, self.writer, self.outcome_unknown
        self.by_hand = self.outcome_unknown = False
        if not pending:
            return
        self.pending, self.writer = Touched(), gates.token()
        if unknown:
            pending.close(writer)  # for a whole deadline from now: the commit may yet happen
        else:
            pending.open(writer, self.sql)

    def commit(self, commit: Callable[[], Any]) -> Any:
        """Commit by `commit`, and open the gates."""
        self.renew()
        try:
            result = commit()
        except (OperationalError, InterfaceError):
            self.outcome_unknown = bool(self.pending)  # until a rollback succeeds
            raise
        self.open_gates()
        return result

    def rolled_back(self) -> None:
        """The database has undone it."""
        self.outcome_unknown = False
        self.open_gates()

    def connection_closed(self) -> None:
        """The session is over, and what it had set with it."""
        self.isolation_set = self.private = False
        self.open_gates()

    # --- reads

    def forbids(self, gates: Iterable[str], records: Iterable[str]) -> str:
        """Why a read of these must not come from the cache now; "" where it may."""
        if self.connection.needs_rollback:
            return "the transaction is broken"
        if self.private:
            return "its connection uses another database, or has temporary tables"
        pending = self.pending
        if not (pending.gates.isdisjoint(gates) and pending.records.isdisjoint(records)):
            return "this transaction wrote to its tables"
        level = _isolation(self.connection)
        if level == "read uncommitted":
            return "READ UNCOMMITTED may see what is rolled back"
        if self.in_progress and (level != "read committed" or self.isolation_set):
            return "the transaction may see an old snapshot"
        return ""


def _isolation(connection: BaseDatabaseWrapper) -> str:
    if connection.vendor != "mysql":
        return "serializable"
    # None means the server's default, which is REPEATABLE READ unless somebody changed it.
    return connection.isolation_level or "repeatable read"  # type: ignore[attr-defined]


def _alive(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and connection.is_usable()
