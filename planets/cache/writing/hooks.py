"""Where the layer stands in the way of a database connection.

Every statement of Django's passes through `Hooks.execute`, so save(), update(), bulk_create(), raw
SQL, loaddata and migrations are one case. Django has no signal for COMMIT or ROLLBACK (on_commit
hooks go with a rolled-back savepoint, and do not exist in manual mode), so the methods that end a
transaction are wrapped, on each connection object.

Django's inner parts that this relies on: connection.execute_wrappers, create_cursor(), commit(),
rollback(), close() and set_autocommit().
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ..storage.owners import owners
from . import engines, hot, reader
from .mark import marked
from .observer import observer, witnesses, written
from .stale import Touched, touched_by, whole_databases
from .statement import Statement
from .transaction import Transaction
from .unseen import Unseen

logger = logging.getLogger(__name__)

WRAPPED = ("create_cursor", "commit", "rollback", "close", "set_autocommit")
# What reads nothing, so that nobody need hear of it.
SILENT = re.compile(r"\s*(?:SAVEPOINT|RELEASE|ROLLBACK|SET)\b", re.I)
UNWATCHED = "its database connection is not watched: is the cache's app in INSTALLED_APPS?"


class Hooks:
    """What a connection's statements and methods pass through."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.session = transaction.session
        self.unseen = Unseen(transaction)
        self.connection = transaction.connection

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """The execute_wrapper of the connection."""
        text = reader.text_of(sql)
        statement = reader.read(self.connection.vendor, text, params is not None)
        if statement.kind == "write":
            sql = marked(sql)
        run = partial(execute, sql, params, many, context)
        run = partial(self.run, statement, text, run, params, many)
        for witness in witnesses:
            run = partial(
                witness, self.connection.alias, statement, text, params, context["cursor"], run
            )
        return self.unseen.within(statement, context["cursor"], run)

    def run(
        self, statement: Statement, sql: str, run: Callable[[], Any], params: Any, many: bool
    ) -> Any:
        """Run a statement between what must be done before and after its kind."""
        transaction = self.transaction
        transaction.settled = Touched()
        heard = observer.get()
        if statement.kind == "write":
            if heard:
                heard.writes()
            if (aliases := written.get()) is not None:
                aliases.add(self.connection.alias)
            touched = touched_by(self.connection.alias, statement, params, many)
            if self.session.elsewhere:
                touched |= whole_databases()
            if statement.doubt:
                _warn_once(sql, statement.doubt)
            if statement.doubt or statement.commits:
                hot.forget()
            waits = transaction.in_progress and self.waits_for_commit(statement, touched)
            write = partial(transaction.write, touched, run, sql, waits=waits)
            return transaction.commit(write) if statement.commits == "yes" else write()
        if statement.kind in ("begin", "end"):
            ends = statement.kind == "end"
            if ends and not (transaction.pending or transaction.in_progress):
                # Begun where we did not see it, so what was written in it we may not have seen.
                return transaction.write(whole_databases(), run, sql)
            result = transaction.commit(run)
            transaction.by_hand = not ends
            return result
        if heard and not SILENT.match(sql):
            heard.reads(self.connection.alias, statement, sql)
        if statement.commits == "yes":
            return transaction.commit(run)
        if self.session.may_commit(statement):
            transaction.close_gates()
        try:
            result = run()
        except Exception:
            if heard:
                heard.fails()
            raise
        if transaction.pending and not (transaction.in_progress or transaction.writing):
            transaction.open_gates()  # a savepoint of SQLite's was released
        return result

    def waits_for_commit(self, statement: Statement, touched: Touched) -> bool:
        """Whether a write of a transaction surely has no effect before COMMIT."""
        if statement.doubt or statement.commits or self.session.private:
            engines.forget()
            return False
        return engines.wait_for_commit(self.connection, touched.tables)

    def create_cursor(self, create: Callable[..., Any], *args: Any) -> Any:
        """Django runs no execute_wrapper round callproc(); what a procedure writes is unknown."""
        cursor = create(*args)
        if callproc := getattr(cursor, "callproc", None):
            # A cursor that held itself would keep its rows until they are collected as garbage.
            cursor.callproc = partial(self.call_procedure, ref(cursor), callproc)
        return cursor

    def call_procedure(self, called: ref[Any], callproc: Any, name: str, *args: Any) -> Any:
        cursor = called() or callproc.__self__  # the driver's own, where nobody keeps Django's
        statement = reader.read(self.connection.vendor, "CALL x")
        call = partial(callproc, name, *args)
        run = partial(self.run, statement, f"CALL {name}", call, None, False)
        return self.unseen.within(statement, cursor, run)

    def commit(self, commit: Callable[[], Any]) -> Any:
        result = self.transaction.commit(commit)
        self.unseen.ended()
        return result

    def rollback(self, rollback: Callable[[], None]) -> None:
        rollback()
        self.transaction.rolled_back()
        self.unseen.ended()

    def close(self, close: Callable[[], None]) -> None:
        self.unseen.ask()
        try:
            close()
        finally:
            self.transaction.connection_closed()

    def set_autocommit(
        self, set_autocommit: Callable[..., None], autocommit: bool, **options: Any
    ) -> None:
        if autocommit:
            self.transaction.close_gates()  # the database commits what is open
        set_autocommit(autocommit, **options)
        if autocommit and not self.transaction.in_progress:
            self.transaction.open_gates()


_installed = False


def transaction_of(connection: BaseDatabaseWrapper) -> Transaction | None:
    """The connection's transaction; None where it was never opened, so has written nothing."""
    return getattr(connection, "cache_aside_transaction", None)


def install() -> None:
    """Watch every connection that is open, and every one that will be."""
    global _installed
    _installed = True
    connection_created.connect(watch)
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:  # another app's ready() has asked before ours
            watch(connection)


def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of connection_created. A reconnect finds the connection watched already."""
    if connection.alias not in connections.settings:
        return  # Django's connection without a database, to create one: nobody reads by its alias
    owners.learn(connection)
    if transaction := transaction_of(connection):
        transaction.session.isolation_set = False  # Django's own SET, when it connected again
        return
    transaction = Transaction(connection)
    hooks = Hooks(transaction)
    connection.cache_aside_transaction = transaction  # type: ignore[attr-defined]
    connection.cache_aside_execute = hooks.execute  # type: ignore[attr-defined]
    # First: connection.execute_wrapper() takes the last one away at its end, whosever it is.
    connection.execute_wrappers.insert(0, hooks.execute)
    for name in WRAPPED:
        setattr(connection, name, partial(getattr(hooks, name), getattr(connection, name)))


def is_installed() -> bool:
    """Whether connections are watched as they are opened."""
    return _installed


def is_watched(connection: BaseDatabaseWrapper) -> bool:
    """Whether all statements of the connection pass here."""
    execute = getattr(connection, "cache_aside_execute", None)
    if execute is None:
        # What was never opened has written nothing, and will be watched from the start.
        return connection.connection is None and _installed
    return execute in connection.execute_wrappers


def unwatched(*connections: BaseDatabaseWrapper) -> str:
    """Why nothing of these connections may be cached: their writes do not pass here. Else ""."""
    if _installed and all(map(is_watched, connections)):
        return ""
    _tell_once()
    return UNWATCHED


_told: set[str] = set()


def _tell_once() -> None:
    if UNWATCHED not in _told:
        _told.add(UNWATCHED)
        logger.error(
            "Nothing is cached: a database connection is not watched, so its writes would leave "
            "old entries behind. Put the cache's app into INSTALLED_APPS."
        )


def _warn_once(sql: str, doubt: str) -> None:
    word = sql.split(None, 1)[0].upper() if sql.strip() else ""
    told = f"{word} {doubt}"
    if told not in _told and len(_told) < 1000:
        _told.add(told)
        logger.warning("Everything is invalidated: %s. The statement: %.200s", doubt, sql)
