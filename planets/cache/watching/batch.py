"""Transactions that are invalidated together: those that came while others were under way."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..writing.stale import whole_databases
from .change import MAX_GATES, NOTHING, Change
from .gtids import Gtids
from .position import Position

MOST = 500  # transactions: what waits for the first of them must not wait for long
LONGEST = 0.02  # seconds that the first may wait for others


class Batch:
    def __init__(self, gtids: Callable[[str], Gtids]) -> None:
        self._gtids = gtids
        self.touched = NOTHING
        self.new = gtids("")  # of the transactions that touch what is cached
        self.end = Position("", "", 0)  # of the last of those
        self.at = 0  # when the first was committed, by the server's clock
        self.blind = False  # nobody can tell when what it wrote is visible
        self._full_at = 0.0

    def add(self, change: Change) -> None:
        if not self.touched:
            self._full_at, self.at = time.monotonic() + LONGEST, change.at
        self.touched |= change.touched
        if len(self.touched.gates) > MAX_GATES:
            self.touched = whole_databases()
        self.end = Position("", change.file, change.offset)
        if change.gtid:
            self.new.add(change.gtid)
        else:
            self.blind = True

    @property
    def is_full(self) -> bool:
        return bool(self.touched) and (
            len(self.touched.records) > MOST or time.monotonic() > self._full_at
        )
