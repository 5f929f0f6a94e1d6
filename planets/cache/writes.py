"""What each database connection writes: gates close before a statement runs and open after COMMIT.

Every statement of Django's passes through `Writes.execute`, so save(), update(), bulk_create(), raw
SQL, loaddata and migrations are one case. State lives on the connection and ends with its
transaction: commit, rollback, close and leaving manual mode each end it, whichever comes.

    statement    close the gates of its tables (one round trip, only those not yet closed)
    COMMIT
    settle       take our id away; the last writer's going lets readers open a new generation

Closing first is what makes a kill between COMMIT and settle harmless: the gate stays closed until
its deadline, and then a new generation begins.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from . import gates, keys, lease, stats, tables
from .client import Unavailable, client
from .conf import conf
from .near import near
from .signals import Invalidation, invalidated

logger = logging.getLogger(__name__)

# More single records than this in one statement, or in one transaction, go as a bulk write: one
# gate, whatever the number.
MAX_RECORDS = 100


@dataclass(frozen=True, slots=True)
class Touched:
    """What goes stale together."""

    gates: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()

    def __or__(self, other: Touched) -> Touched:
        return Touched(
            self.gates | other.gates, self.records | other.records, self.tables | other.tables
        )

    def __sub__(self, other: Touched) -> Touched:
        return replace(self, gates=self.gates - other.gates, records=self.records - other.records)

    def __bool__(self) -> bool:
        return bool(self.gates or self.records)

    def in_bulk(self, alias: str) -> Touched:
        """The same with all records of its tables, by a gate a table."""
        rows = {keys.rows(alias, table) for table in self.tables if table in keys.RECORDS}
        return replace(self, gates=self.gates | rows, records=frozenset())

    def close(self, writer: str) -> bool:
        """Closes all, and says whether Redis could be reached; what must not fail is `open`."""
        try:
            client.call(
                *(gates.close(gate, writer) for gate in sorted(self.gates)),
                *(lease.close(key, writer) for key in sorted(self.records)),
            )
        except Unavailable as error:
            logger.debug("Gates could not be closed: %s", error)
            return False
        finally:
            near.drop(self.gates | self.records)
        return True

    def open(self, writer: str, sql: str = "") -> None:
        """Opens all; where Redis cannot be reached, sees to it that it happens later."""
        landed = client.insist(
            [
                *(gates.open(gate, writer) for gate in sorted(self.gates)),
                *(lease.open(key, writer) for key in sorted(self.records)),
            ]
        )
        # After Redis has it, so that no reader of this process can put the old value back.
        near.drop(self.gates | self.records)
        stats.count("invalidation", "landed" if landed else "owed")
        if invalidated.receivers:
            names = tuple(sorted(self.gates) + sorted(self.records))
            event = Invalidation(
                keys=names, tables=tuple(sorted(self.tables)), sql=sql, landed=landed
            )
            invalidated.send(Writes, event=event)


def touched_by(alias: str, statement: tables.Statement, params: Any, many: bool) -> Touched:
    """What a write makes stale."""
    if statement.doubt:
        return everything()
    touched = _tables(alias, statement.tables)
    for name in statement.tables & keys.RECORDS.keys() if statement.changes_rows else ():
        pks = _pks(statement, keys.RECORDS[name].column, params, many)
        if pks is None:
            touched |= Touched(gates=frozenset([keys.rows(alias, name)]))
        else:
            touched |= Touched(records=frozenset(map(keys.RECORDS[name].key, pks)))
    # What a trigger or a cascade does to them, and to which rows, the statement does not say.
    if also := {name for table in statement.tables for name in conf().also(table)}:
        touched |= _tables(alias, also).in_bulk(alias)
    return touched


def _tables(alias: str, names: Iterable[str]) -> Touched:
    return Touched(frozenset(keys.gate(alias, name) for name in names), tables=frozenset(names))


def everything() -> Touched:
    """All entries of all databases: a statement can name another than its connection's."""
    return Touched(frozenset(keys.everything(alias) for alias in connections))


def _pks(statement: tables.Statement, column: str, params: Any, many: bool) -> set[int] | None:
    """The primary keys of the rows that a write can change, None where they are not known."""
    found = next((found for found in statement.keys if found.column == column), None)
    if found is None:
        return None
    if many and not isinstance(params, list | tuple):
        return None  # to look at an iterator is to use it up
    pks: set[int] = set(found.values)
    for row in params if many else [params]:
        if isinstance(row, Mapping):
            return None
        for position in found.positions:
            try:
                pk = int(row[position])
            except (TypeError, ValueError, IndexError):
                return None
            if str(pk) != str(row[position]):
                return None  # "1_0" is 10 for Python and 1 for MySQL
            pks.add(pk)
        if len(pks) > MAX_RECORDS:
            return None
    return pks


@dataclass
class Writes:
    """The writes of one connection that readers must not yet trust, or no longer."""

    connection: BaseDatabaseWrapper
    pending: Touched = Touched()
    settled: Touched = Touched()  # by the last statement, where it committed by itself
    writer: str = field(default_factory=gates.token)
    sql: str = ""
    closed_at: float = 0.0
    by_hand: bool = False  # a transaction was begun by a plain BEGIN
    isolation_set: bool = False  # somebody ran SET TRANSACTION ISOLATION LEVEL
    private: bool = False  # it uses another database, or has temporary tables
    outcome_unknown: bool = False  # COMMIT was sent and no answer came

    @property
    def in_transaction(self) -> bool:
        connection = self.connection
        if connection.in_atomic_block or self.by_hand or not connection.autocommit:
            return True
        # What the server said last: somebody may have run SET autocommit = 0.
        autocommit = getattr(connection.connection, "get_autocommit", None)
        return bool(autocommit and not autocommit())

    # --- statements

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """The execute_wrapper of the connection."""
        statement = tables.read(self.connection.vendor, str(sql))
        self.settled = Touched()
        run = partial(execute, sql, params, many, context)
        if statement.kind == "write":
            touched = touched_by(self.connection.alias, statement, params, many)
            if self.private:
                touched |= everything()
            if statement.doubt:
                _warn_once(str(sql), statement.doubt)
            return self.run(touched, run, str(sql))
        if statement.kind in ("begin", "end"):
            if statement.kind == "end" and not (self.pending or self.in_transaction):
                # Begun where we did not see it, so what was written in it we may not have seen.
                return self.run(everything(), run, str(sql))
            result = self.commit(run)
            self.by_hand = statement.kind == "begin"
            return result
        result = run()
        if statement.kind == "isolation":
            self.isolation_set = True
        elif statement.kind == "private":
            self.private = True
        elif self.pending and not self.in_transaction:
            self.settle()  # SET autocommit = 1 commits
        return result

    def create_cursor(self, create: Callable[..., Any], *args: Any) -> Any:
        """Django runs no execute_wrapper round callproc(); what a procedure writes is unknown."""
        cursor = create(*args)
        if callproc := getattr(cursor, "callproc", None):
            cursor.callproc = lambda name, *args: self.run(
                everything(), lambda: callproc(name, *args), f"CALL {name}"
            )
        return cursor

    def run(self, touched: Touched, write: Callable[[], Any], sql: str = "") -> Any:
        """Does a write between the closing and the opening of what it touches."""
        if self.in_transaction:
            self.hold(touched, sql)
            return write()
        self.hold(touched, sql)
        try:
            result = write()
        except (OperationalError, InterfaceError):
            # A lost connection does not tell whether the server did it, or will.
            self.outcome_unknown = not _alive(self.connection)
            raise
        finally:
            self.settle()
        self.settled = touched
        return result

    def hold(self, touched: Touched, sql: str = "") -> None:
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
        """In a long transaction: the hold must outlast COMMIT, or a kill leaves old entries."""
        if self.pending and time.monotonic() - self.closed_at > conf().WRITE_DEADLINE / 2:
            closed = self.pending.close(self.writer)
            self.closed_at = time.monotonic() if closed else float("-inf")

    # --- the end of a transaction

    def settle(self) -> None:
        """The transaction is over, either way: open what it closed."""
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
        self.renew()
        try:
            result = commit()
        except (OperationalError, InterfaceError):
            self.outcome_unknown = bool(self.pending)  # until a rollback succeeds
            raise
        self.settle()
        return result

    def rollback(self, rollback: Callable[[], None]) -> None:
        rollback()
        self.outcome_unknown = False
        self.settle()

    def close(self, close: Callable[[], None]) -> None:
        try:
            close()
        finally:
            self.isolation_set = self.private = False
            self.settle()

    def set_autocommit(
        self, set_autocommit: Callable[..., None], autocommit: bool, **options: Any
    ) -> None:
        set_autocommit(autocommit, **options)
        if autocommit and not self.in_transaction:
            self.settle()  # the database commits what was open

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
        if self.in_transaction and (level != "read committed" or self.isolation_set):
            return "the transaction may see an old snapshot"
        return ""


def _isolation(connection: BaseDatabaseWrapper) -> str:
    if connection.vendor != "mysql":
        return "serializable"
    # None means the server's default, which is REPEATABLE READ unless somebody changed it.
    return connection.isolation_level or "repeatable read"  # type: ignore[attr-defined]


def _alive(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and connection.is_usable()


_warned: set[tuple[str, str]] = set()


def _warn_once(sql: str, doubt: str) -> None:
    word = sql.split(None, 1)[0].upper() if sql.strip() else ""
    if (word, doubt) not in _warned and len(_warned) < 1000:
        _warned.add((word, doubt))
        logger.warning("Everything is invalidated: %s. The statement: %.200s", doubt, sql)


def writes(connection: BaseDatabaseWrapper) -> Writes | None:
    """The connection's writes; None where it was never opened, so has none."""
    return getattr(connection, "cache_aside_writes", None)


def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of connection_created: puts `Writes` in the way of the connection's statements.

    Django has no signal for COMMIT or ROLLBACK (on_commit hooks go with a rolled-back savepoint,
    and do not exist in manual mode), so the four methods that end a transaction are wrapped, on
    this one connection object. A reconnect finds them wrapped already.
    """
    if state := writes(connection):
        state.isolation_set = False  # Django's own SET, when it connected again
        return
    if connection.alias not in connections.settings:
        return  # Django's connection without a database, to create one: nobody reads by its alias
    state = Writes(connection)
    connection.cache_aside_writes = state  # type: ignore[attr-defined]
    # First: connection.execute_wrapper() takes the last one away at its end, whosever it is.
    connection.execute_wrappers.insert(0, state.execute)
    for name in ("create_cursor", "commit", "rollback", "close", "set_autocommit"):
        around = partial(getattr(state, name), getattr(connection, name))
        setattr(connection, name, around)
