"""Transactions that begin or end unseen: in a procedure, in a string of several statements, by a
deadlock, after SET completion_type = 1.

    1. Before such a statement all that was touched is closed: it may commit.
    2. While nobody knows whether a transaction is open, gates stay closed and nothing is cached.
    3. The server is asked as soon as it can be: at once, or where the statement has results that
       asking would throw away, when its cursor closes or the next statement begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .statement import Statement
from .transaction import Transaction


class Unseen:
    """What Hooks asks about the transactions of its connection."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.session = transaction.session
        self.running = 0  # statements, each within the one before: by somebody's own wrapper

    def within(self, statement: Statement, cursor: Any, run: Callable[[], Any]) -> Any:
        """Run a statement, and learn whether a transaction is open after it."""
        self.ask()  # about the one before, where its results were still unread
        session = self.session
        session.hear(statement)
        if session.may_change_transaction(statement):
            session.unsure = True
        self.running += 1
        try:
            return run()
        except BaseException:
            # What commits may have done so before it failed, and a deadlock rolls back.
            if self.transaction.by_hand or statement.commits:
                session.unsure = session.connection.vendor == "mysql"
            raise
        finally:
            self.running -= 1
            if session.unsure and session.has_unread_results():
                self._ask_when_closed(cursor)
            else:
                self.ask()

    def ended(self) -> None:
        """Django has ended the transaction, and the server may have begun another."""
        if self.session.private and self.session.connection.vendor == "mysql":
            self.session.unsure = True
            self.ask()

    def ask(self) -> None:
        """Learn from the server whether a transaction is open, where nobody else knows."""
        transaction, session = self.transaction, self.session
        if self.running or not session.unsure:
            return
        if not session.waits_for_commit:
            is_open = session.ask()
            if is_open is None:
                return  # what is closed stays so
            transaction.by_hand = is_open
            if not is_open:
                session.unsure = False
                transaction.open_gates()
        session.unsure = False

    def _ask_when_closed(self, cursor: Any) -> None:
        close = cursor.close

        def closing() -> None:
            close()
            self.ask()

        cursor.close = closing
