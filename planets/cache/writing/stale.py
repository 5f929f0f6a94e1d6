"""What a write makes stale, and how that is made unreachable."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections

from .. import stats
from ..conf import conf
from ..events import Invalidation, invalidated
from ..storage import holds, keys
from ..storage.client import client
from ..storage.errors import Unavailable
from ..storage.near import near
from ..storage.wire import Command
from . import hot, last_writes
from .primary import NOWHERE, Committed
from .statement import Statement

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
    committed: Committed = NOWHERE  # where its database has replicas

    def __or__(self, other: Touched) -> Touched:
        return Touched(
            self.gates | other.gates, self.records | other.records, self.tables | other.tables
        )

    def __sub__(self, other: Touched) -> Touched:
        gates, records = self.gates - other.gates, self.records - other.records
        return Touched(gates, records, self.tables, self.committed)

    def __bool__(self) -> bool:
        return bool(self.gates or self.records)

    def in_bulk(self, alias: str) -> Touched:
        """The same with all records of its tables, by a gate a table."""
        bulk = {keys.records_gate(alias, table) for table in self.tables}
        return replace(self, gates=self.gates | bulk, records=frozenset())

    def close(self, writer: str) -> bool:
        """Close all, and say whether Redis could be reached; what must not fail is `open`."""
        try:
            client.call(*holds.close(self.gates, self.records, writer))
        except Unavailable as error:
            logger.debug("Gates could not be closed: %s", error)
            return False
        finally:
            near.drop(self.gates | self.records)
        return True

    def __and__(self, other: Touched) -> Touched:
        gates, records = self.gates & other.gates, self.records & other.records
        return Touched(gates, records, self.tables, self.committed)

    def opening(self, writer: str) -> list[Command]:
        """The commands that open all. A gate that another writer holds stays closed for him."""
        return holds.open(self.gates, self.records, writer, self.committed.of)

    def open(self, writer: str, by: Mapping[str, Touched] | None = None) -> None:
        """Open all; where Redis cannot be reached, see to it that it happens later.

        `by` has the statements that touched it, each with its part.
        """
        if client.misconfigured:
            return  # nothing of this process lies in a Redis, so nothing of it goes stale
        landed = client.insist(self.opening(writer))
        # After Redis has it, so that no reader of this process can put the old value back.
        near.drop(self.gates | self.records)
        stats.count("invalidation", "landed" if landed else "owed")
        stats.count_writes("invalidated", self.tables)
        for sql, part in (by or {"": self}).items():
            part._tell(sql, landed=landed)

    def _tell(self, sql: str, *, landed: bool) -> None:
        last_writes.note(self.gates, self.records, self.tables, sql, landed=landed)
        if invalidated.receivers:
            names = (*sorted(self.gates), *sorted(self.records))
            tables = tuple(sorted(self.tables))
            event = Invalidation(keys=names, tables=tables, sql=sql, landed=landed)
            invalidated.send(Touched, event=event)


def touched_by(alias: str, statement: Statement, params: Any, many: bool) -> Touched:
    """What a write makes stale."""
    if statement.doubt:
        return whole_databases()
    if table := hot.written_alone(alias, statement):
        touched = Touched(frozenset([keys.hot_gate(alias, table)]), tables=statement.tables)
    else:
        touched = of_tables(alias, statement.tables)
    if statement.changes_rows:
        for table in statement.tables:
            touched |= _records(alias, table, statement, params, many)
    # What a trigger or a cascade does to them, and to which rows, the statement does not say.
    if also := {name for table in statement.tables for name in conf().also(table)}:
        touched |= of_tables(alias, also).in_bulk(alias)
    return touched


def of_tables(alias: str, tables: Iterable[str]) -> Touched:
    """All queries on these tables."""
    return Touched(frozenset(keys.gate(alias, name) for name in tables), tables=frozenset(tables))


def whole_databases() -> Touched:
    """All entries of all databases: a statement can name another than its connection's."""
    return Touched(frozenset(gate for a in connections for gate in keys.database_gates(a)))


def _records(alias: str, table: str, statement: Statement, params: Any, many: bool) -> Touched:
    """The records of a table that a write changes: those of known rows, or all.

    Of a table whose records nobody here has declared, another process may have declared them.
    """
    names = keys.RECORDS.get(table)
    pks = _pks(statement, names.column, params, many) if names else None
    if names is None or pks is None:
        return Touched(gates=frozenset([keys.records_gate(alias, table)]))
    return Touched(records=frozenset(map(names.key, pks)))


def _pks(statement: Statement, column: str, params: Any, many: bool) -> set[int] | None:
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
