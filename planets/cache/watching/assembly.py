"""From the events of a binlog to its transactions, each with what it makes stale.

What is not understood makes everything stale, and is told once.
"""

from __future__ import annotations

import logging
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from ..extras import extra
from ..storage import keys
from ..writing import reader
from ..writing.mark import is_marked
from ..writing.stale import Touched, of_tables, touched_by, whole_databases
from ..writing.statement import PrimaryKeys, Statement
from . import raw
from .change import NOTHING, Change
from .row_keys import Unknown, keys_of
from .schema import Rule, Schema

with extra("watch"):
    from pymysqlreplication import event as events
    from pymysqlreplication import row_event

logger = logging.getLogger(__name__)

STANDALONE = 1  # a flag of MariaDB's: the one statement that follows is all
FIRST_WORDS = re.compile(r"\s*(\w+)(?:\s+(\w+))?")
XID = re.compile(r"X'([0-9a-f]*)',X'([0-9a-f]*)',(\d+)", re.I)
MAX_PREPARED = 1000  # transactions of XA that wait for their end
CHANGES: dict[type, tuple[Rule, ...]] = {
    row_event.WriteRowsEvent: (),
    row_event.UpdateRowsEvent: ("UPDATE",),
    row_event.PartialUpdateRowsEvent: ("UPDATE",),
    row_event.DeleteRowsEvent: ("DELETE",),
}
ANY: tuple[Rule, ...] = ("UPDATE", "DELETE")


class Assembly:
    """`databases` are those that are cached: the name, in lower case, to the alias."""

    def __init__(self, schema: Schema, databases: Mapping[str, str]) -> None:
        self.schema, self.databases = schema, databases
        self._told: set[str] = set()
        self._prepared: dict[tuple[str, ...], Touched] = {}
        self._begin()

    def _begin(self, gtid: str | None = "", *, is_open: bool = False) -> None:
        self.change = Change(gtid=gtid)
        self.open = is_open  # a COMMIT is to come
        self.sql = ""  # of the rows that follow
        self.done: set[tuple[str, str, tuple[Rule, ...]]] = set()  # of which no more is to learn
        self.tables: dict[int, tuple[str, str]] = {}

    def hear(self, event: Any) -> Change | None:
        """The transaction that ends with this event, if one does."""
        return self._change(lambda: self._hear(event), event.timestamp)

    def hear_unread(self, kind: int, body: bytes, at: int) -> Change | None:
        """The same of an event that the library could not read."""
        return self._change(lambda: self._unread(kind, body), at)

    def _change(self, hear: Callable[[], bool], at: int) -> Change | None:
        try:
            ends = hear()
        except (raw.Unreadable, struct.error, zlib.error, zstandard.ZstdError) as error:
            ends = self._everything(f"an event: {error}", ends=not self.open)
        if not ends:
            return None
        change = self.change
        change.at = at
        self._begin()
        return change

    def _hear(self, event: Any) -> bool:
        kind = type(event)
        if kind in CHANGES:
            self._rows(event, CHANGES[kind])
        elif kind is row_event.TableMapEvent:
            self.tables[event.table_id] = (event.schema, event.table)
        elif kind is events.GtidEvent:
            self._begin(event.gtid)
        elif kind is events.MariadbGtidEvent:
            self._begin(event.gtid, is_open=not event.flags & STANDALONE)
        elif kind is events.XidEvent:
            return True
        elif kind is events.QueryEvent:
            self.change.thread = self.change.thread or event.slave_proxy_id
            return self._query(event.schema.decode("utf-8", "replace"), event.query)
        elif kind is events.MariadbAnnotateRowsEvent:
            self.sql = event.sql_statement.decode("utf-8", "replace")
        elif kind is events.RowsQueryLogEvent:
            self.sql = event.query
        elif kind is events.ExecuteLoadQueryEvent:
            return self._everything("LOAD DATA in a statement", ends=not self.open)
        elif kind is events.XAPrepareEvent:
            return self._prepare(event)
        elif kind is events.NotImplementedEvent:
            return self._unread(event.event_type, event.packet.packet._data[20:])
        return False

    def _unread(self, kind: int, body: bytes) -> bool:
        if kind in raw.HARMLESS:
            return False
        if kind == raw.TAGGED_GTID:
            self._begin(None)
            return False
        if kind in raw.ROWS_COMPRESSED:
            if place := self.tables.get(raw.table_number(body)):
                self._touch(*place, ANY, None)
                return False
            raise raw.Unreadable("its table is not known")
        if kind in (raw.QUERY, raw.QUERY_COMPRESSED):
            found = raw.query(body, compressed=kind == raw.QUERY_COMPRESSED)
            self.change.thread = self.change.thread or found.thread
            return self._query(found.database, found.sql)
        if kind == raw.PAYLOAD:
            for inner, content in raw.unpacked(body):
                if inner == raw.TABLE_MAP:
                    self._touch(*raw.table(content)[1:], ANY, None)
                elif inner == raw.QUERY:
                    found = raw.query(content)
                    self.change.thread = self.change.thread or found.thread
                    self._query(found.database, found.sql)
                elif inner == raw.ROWS_QUERY:
                    self.sql = content[1:].decode("utf-8", "replace")
            return True
        return self._everything(f"an event of type {kind}", ends=not self.open)

    # --- rows

    def _rows(self, event: Any, rules: tuple[Rule, ...]) -> None:
        database, table = event.schema.lower(), event.table.lower()
        if database in self.databases and (database, table, rules) not in self.done:
            self._touch(event.schema, event.table, rules, self._keys(event))

    def _touch(
        self, database: str, table: str, rules: tuple[Rule, ...], pks: set[int] | None
    ) -> None:
        """Rows of a table have changed: those of `pks`, or any."""
        alias = self.databases.get(database.lower())
        if alias is None:
            return
        name = table.lower()
        records = keys.RECORDS.get(name)
        found: tuple[PrimaryKeys, ...] = ()
        if records and pks is not None:
            found = (PrimaryKeys(records.column, tuple(pks), ()),)
        statement = Statement("write", frozenset([name]), changes_rows=bool(rules), keys=found)
        touched = touched_by(alias, statement, None, False)
        # A transaction's many records become one gate, after which no more rows are looked at.
        self.change.add(touched, alias)
        for other_database, other in self.schema.cascades((database.lower(), name), rules):
            if other_alias := self.databases.get(other_database):
                self.change.add(of_tables(other_alias, [other]).in_bulk(other_alias), other_alias)
        self.change.note(name, self.sql, is_marked(self.sql) if self.sql else None)
        if not rules or keys.records_gate(alias, name) in self.change.touched.gates:
            self.done.add((database.lower(), name, rules))

    def _keys(self, event: Any) -> set[int] | None:
        """The primary keys of an event's rows, None where they cannot be told."""
        records = keys.RECORDS.get(event.table.lower())
        if records is None:
            return None
        named = [str(column.name).lower() for column in event.columns if column.name]
        if named:
            place = named.index(records.column) if records.column in named else None
            unsigned = place is not None and event.columns[place].unsigned
        else:
            column = self.schema.column(event.schema, event.table, records.column)
            place = column.place if column and column.of == len(event.columns) else None
            unsigned = bool(column and column.unsigned)
        if place is None or type(event) is row_event.PartialUpdateRowsEvent:
            return None
        try:
            return keys_of(event, place, unsigned=unsigned)
        except Unknown as error:
            self._tell(f"rows of {event.table}: {error}", "All of its records go.")
            return None

    # --- statements

    def _query(self, database: str, sql: str) -> bool:
        """Whether the transaction ends with this statement."""
        match = FIRST_WORDS.match(sql)
        first, second = (str(word or "").upper() for word in match.groups()) if match else ("", "")
        if first == "BEGIN" or (first, second) in (("START", "TRANSACTION"), ("XA", "START")):
            self.open = True
            return False
        if first in ("SAVEPOINT", "RELEASE") or (first, second) in (
            ("ROLLBACK", "TO"),
            ("XA", "END"),
        ):
            return False
        if first in ("COMMIT", "ROLLBACK"):
            return True  # after ROLLBACK, what an engine without transactions has kept
        if first == "XA" and second in ("COMMIT", "ROLLBACK"):
            return self._end_prepared(sql, committed=second == "COMMIT")
        self._statement(database, sql)
        if sql.rstrip().upper().endswith("START TRANSACTION"):
            self.open = True  # MySQL's CREATE TABLE ... SELECT, whose rows follow
        return not self.open

    def _statement(self, database: str, sql: str) -> None:
        statement = reader.read("mysql", sql, False)
        if statement.kind == "other":
            return
        alias = self.databases.get(database.lower())
        if not self.open:
            self.schema.forget()  # it may be a definition
        if statement.kind != "write" or statement.doubt:
            doubt = statement.doubt or "a statement that only reads was logged as a write"
            self._everything(f"{doubt}. The statement: {sql:.200}")
            self.change.note("*", sql, is_marked(sql))
            return
        if alias is None:
            return  # it names no database, so its tables are those of another
        places = {(database.lower(), table) for table in statement.tables}
        if not statement.commits and self.schema.may_have_triggers(places):
            self._everything(
                "what triggers do when a statement writes to a table that may have some"
            )
        self.change.add(touched_by(alias, statement, None, False), alias)
        for place in places:
            for other_database, other in self.schema.cascades(place, ANY):
                if other_alias := self.databases.get(other_database):
                    more = of_tables(other_alias, [other]).in_bulk(other_alias)
                    self.change.add(more, other_alias)
            self.change.note(place[1], sql, is_marked(sql))

    # --- XA: prepared by one, and committed later, perhaps by another

    def _prepare(self, event: Any) -> bool:
        if not event.one_phase:
            if len(self._prepared) >= MAX_PREPARED:
                self._prepared.clear()  # whose ends will make everything stale
            name = (event.xid_gtrid.hex(), event.xid_bqual.hex(), str(event.xid_format_id))
            self._prepared[name] = self.change.touched
            self.change.touched = NOTHING
        return True

    def _end_prepared(self, sql: str, *, committed: bool) -> bool:
        match = XID.search(sql)
        name = tuple(part.lower() for part in match.groups()) if match else ()
        touched = self._prepared.pop(name, None)
        if committed and touched is None:
            return self._everything("XA COMMIT of what was prepared before the watcher began")
        self.change.touched |= touched or NOTHING
        return True

    # ---

    def _everything(self, why: str, *, ends: bool = True) -> bool:
        self._tell(why, "Everything is invalidated.")
        self.change.touched = whole_databases()
        return ends

    def _tell(self, why: str, so: str) -> None:
        word = why[:60]
        if word not in self._told and len(self._told) < 1000:
            self._told.add(word)
            logger.warning("Not understood in the binlog, %s. %s", why, so)
