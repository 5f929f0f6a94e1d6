"""One transaction of the binlog: what it makes stale, and where it ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ..writing.stale import MAX_RECORDS, Touched, whole_databases

NOTHING = Touched()
# More tables than this in one transaction, or in one batch, and everything goes.
MAX_GATES = 1000
MAX_WRITES = 100  # of one transaction that are told apart
SHOWN = 300  # characters of a statement


class Write(NamedTuple):
    """One statement's changes of one table."""

    table: str
    sql: str  # "" where the binlog does not tell
    ours: bool | None  # whether the layer has heard of it; None where the binlog does not tell


@dataclass(slots=True)
class Change:
    touched: Touched = NOTHING
    writes: Counter[Write] = field(default_factory=Counter)
    aliases: set[str] = field(default_factory=set)
    thread: int = 0  # of the server's, where known
    # Of its end.
    file: str = ""
    offset: int = 0
    gtid: str | None = ""  # None: it has one that cannot be read
    at: int = 0  # by the server's clock, in seconds since 1970

    def add(self, touched: Touched, alias: str) -> None:
        """This too. Many records become a gate, and many gates everything."""
        self.touched |= touched
        self.aliases.add(alias)
        if len(self.touched.records) > MAX_RECORDS:
            one = len(self.aliases) == 1
            self.touched = self.touched.in_bulk(alias) if one else whole_databases()
        if len(self.touched.gates) > MAX_GATES:
            self.touched = whole_databases()

    def note(self, table: str, sql: str, ours: bool | None) -> None:
        write = Write(table, sql[:SHOWN], ours)
        if write in self.writes or len(self.writes) < MAX_WRITES:
            self.writes[write] += 1
