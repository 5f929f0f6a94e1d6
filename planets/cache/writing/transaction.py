"""What the transaction of one connection has written, and what others must therefore not read.

    statement    note what it touches; nobody else can see it yet, so entries stay usable
    close        just before COMMIT: the gates of all that was touched, in one round trip
    COMMIT
    open         take our id away; the last writer's going lets readers open a new generation

Where the database has replicas, the primary is asked between COMMIT and open how far it has come,
and the opening says so to who will fill from one of them: see reading/replicas.py.

Until COMMIT the committed value is the old one, so what is cached is right. Whoever looked while
the gates were open fills under a generation that is gone when they open again. Closing before
COMMIT is what makes a kill between COMMIT and the opening harmless: the gates stay closed until
their deadline, and then a new generation begins. A rollback costs nothing.

A statement that takes effect by itself (in autocommit, DDL, on a table of an engine without
transactions) closes before it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import stats
from ..storage import gates
from . import primary
from .session import Session
from .stale import MAX_RECORDS, Touched

NOTHING = Touched()

# The transactions of this process that have something pending, by id(): none, most of the time. One
# that is gone with its connection stays in it, which costs its readers a look and no more.
unsettled: set[int] = set()


@dataclass
class Transaction:
    """The writes of one connection that readers must not yet trust, or no longer.

    It lives as long as the connection object: what it holds ends with each transaction of the
    database's, by commit, rollback, close or the end of manual mode, whichever comes.
    """

    connection: BaseDatabaseWrapper
    pending: Touched = NOTHING  # by all statements of the transaction
    closed: Touched = NOTHING  # of that, whose gates are closed
    settled: Touched = NOTHING  # by the last statement, where it committed by itself
    writer: str = field(default_factory=gates.token)
    # Which statement was the first to touch what.
    touched_by: dict[str, Touched] = field(default_factory=dict)
    by_hand: bool = False  # it was begun by a plain BEGIN
    outcome_unknown: bool = False  # COMMIT was sent and no answer came
    writing: int = 0  # how many writes run, each within the one before

    def __post_init__(self) -> None:
        self.session = Session(self.connection)

    @property
    def in_progress(self) -> bool:
        """Whether what is written now waits for a COMMIT, or may."""
        return self.by_hand or self.session.unsure or self.session.waits_for_commit

    # --- writes

    def write(
        self, touched: Touched, write: Callable[[], Any], sql: str = "", *, waits: bool = False
    ) -> Any:
        """Do a write, and see to it that what it touches is reached.

        `waits`: in a transaction it takes no effect before COMMIT.
        """
        stats.count_writes("written", touched.tables)
        if self.in_progress:
            self.touch(touched, sql)
            if not waits:
                self.close_gates()
            return write()
        self.touch(touched, sql)
        self.close_gates()
        self.writing += 1
        try:
            result = write()
        except (OperationalError, InterfaceError):
            # A lost connection does not tell whether the server did it, or will.
            self.outcome_unknown = not _alive(self.connection)
            raise
        finally:
            self.writing -= 1
            # A wrapper of somebody's own may have run statements of its own within this one. Only
            # the outermost opens, and all that it touched, whatever those have opened.
            self.touch(touched, sql)
            if not (self.writing or self.in_progress):
                self.open_gates()
        self.settled = touched
        return result

    def touch(self, touched: Touched, sql: str = "") -> None:
        """What goes stale when the transaction commits. Its own reads bypass the cache for it."""
        if touched.records and len(self.pending.records | touched.records) > MAX_RECORDS:
            touched = touched.in_bulk(self.connection.alias)
        if fresh := touched - self.pending:
            self.touched_by[sql] = self.touched_by.get(sql, NOTHING) | fresh
            self.pending |= touched
            unsettled.add(id(self))

    def close_gates(self, *, again: bool = False) -> None:
        """Close the gates of all that was touched: nobody may be served or fill from behind them.

        `again`: also where all are closed already, so that their deadlines begin anew.
        """
        wanted = self.pending if again else self.pending - self.closed
        if wanted and self.pending.close(self.writer):
            self.closed = self.pending

    # --- its end

    def commit(self, commit: Callable[[], Any]) -> Any:
        """Commit by `commit`, between the closing and the opening of what was touched."""
        self.close_gates(again=True)  # what was closed long ago must stay so beyond COMMIT
        try:
            result = commit()
        except (OperationalError, InterfaceError):
            self.outcome_unknown = bool(self.pending)  # until a rollback succeeds
            raise
        self.open_gates()
        return result

    def open_gates(self) -> None:
        """What was touched has changed: open its gates, under a generation that nobody knows.

        A gate must never outlive its writer.
        """
        self._open(self.pending)

    def rolled_back(self) -> None:
        """The database has undone it: what is cached stays right, but for what was closed."""
        self.outcome_unknown = False
        self._open(self.closed)

    def connection_closed(self) -> None:
        """The session is over, what it had set with it, and what it had not committed undone."""
        self.outcome_unknown = self.outcome_unknown or self.session.unsure
        self.session.ended()
        self._open(self.pending if self.outcome_unknown else self.closed)

    def _open(self, touched: Touched) -> None:
        writer, unknown = self.writer, self.outcome_unknown
        self.by_hand = self.outcome_unknown = False
        if not self.pending:
            return
        parts = ((sql, part & touched) for sql, part in self.touched_by.items())
        by = {sql: part for sql, part in parts if part}
        self.pending = self.closed = NOTHING
        unsettled.discard(id(self))
        self.touched_by = {}
        self.writer = gates.token()
        if unknown:
            touched.close(writer)  # for a whole deadline from now: the commit may yet happen
        elif touched:
            replace(touched, committed=primary.committed(self.connection)).open(writer, by)

    # --- reads

    def forbids(self, gates: Iterable[str], records: Iterable[str]) -> str:
        """Why a read of these must not come from the cache now; "" where it may."""
        if self.connection.needs_rollback:
            return "the transaction is broken"
        if self.session.private:
            return self.session.private
        if self.session.unsure:
            return "whether its connection has a transaction open is not known"
        if self.has_touched(gates, records):
            return "this transaction wrote to its tables"
        level = _isolation(self.connection)
        if level == "read uncommitted":
            return "READ UNCOMMITTED may see what is rolled back"
        if (level != "read committed" or self.session.isolation_set) and self.in_progress:
            return "the transaction may see an old snapshot"
        return ""

    def has_touched(self, gates: Iterable[str], records: Iterable[str]) -> bool:
        """Whether a write of the transaction reaches any of these."""
        pending = self.pending
        return not (pending.gates.isdisjoint(gates) and pending.records.isdisjoint(records))


def _isolation(connection: BaseDatabaseWrapper) -> str:
    if connection.vendor != "mysql":
        return "serializable"
    # None means the server's default, which is REPEATABLE READ unless somebody changed it.
    return connection.isolation_level or "repeatable read"  # type: ignore[attr-defined]


def _alive(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and connection.is_usable()
