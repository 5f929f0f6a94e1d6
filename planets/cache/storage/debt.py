"""What this process owes Redis: invalidations that could not land while it was away."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterable, Sequence

from django.db import connections

from . import keys
from .scripts import script
from .wire import Command

# Above this the debt of an outage is one gate a database rather than each key.
MAX_DEBT = 10_000


class Debt:
    """Commands that are repeated until they land. No two writes may owe the same command."""

    def __init__(self) -> None:
        self.renew_lock()
        self._owed: dict[Command, None] = {}

    def renew_lock(self) -> None:
        """After a fork the parent's lock may be held, by a thread that is not here."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._owed)

    def owed(self) -> list[Command]:
        """All that is owed now."""
        with self._lock:
            return list(self._owed)

    def add(self, commands: Sequence[Command]) -> None:
        """Owe these too. Above MAX_DEBT all of it becomes: every entry of each database."""
        with self._lock:
            self._owed.update(dict.fromkeys(commands))
            if len(self._owed) > MAX_DEBT:
                gates = {gate for a in connections for gate in keys.database_gates(a)}
                self._owed = {
                    script("hold", [gate], secrets.token_hex(8), 0, 1): None for gate in gates
                }

    def pay(self, landed: Iterable[Command]) -> None:
        """These have landed."""
        with self._lock:
            for command in landed:
                self._owed.pop(command, None)


debt = Debt()
# What the parent owes the child owes too: it knows of the same writes.
os.register_at_fork(after_in_child=debt.renew_lock)
