"""What a row event does not say of its table: where its key stands, and what else changes with it.

Read from information_schema as it is now, which may be later than the event. That is safe: a later
change of the table comes later in the binlog, as a statement that makes all of its rows stale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

from .source import Source

Rule = Literal["UPDATE", "DELETE"]
Table = tuple[str, str]  # the database and the name, in lower case

COLUMNS = (
    "SELECT LOWER(COLUMN_NAME), COLUMN_TYPE FROM information_schema.COLUMNS "
    "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION"
)
CASCADES = (
    "SELECT LOWER(UNIQUE_CONSTRAINT_SCHEMA), LOWER(REFERENCED_TABLE_NAME), "
    "LOWER(CONSTRAINT_SCHEMA), LOWER(TABLE_NAME), UPDATE_RULE, DELETE_RULE "
    "FROM information_schema.REFERENTIAL_CONSTRAINTS"
)
TRIGGERS = (
    "SELECT LOWER(EVENT_OBJECT_SCHEMA), LOWER(EVENT_OBJECT_TABLE) FROM information_schema.TRIGGERS"
)
HARMLESS = ("RESTRICT", "NO ACTION")


class Column(NamedTuple):
    place: int
    of: int  # columns of the table
    unsigned: bool


class Schema:
    """Asked once for each table, and again after a statement that may have changed one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.forget()

    def forget(self) -> None:
        self._columns: dict[Table, list[tuple[str, str]]] = {}
        self._children: dict[tuple[Table, Rule], set[Table]] | None = None
        self._triggers: set[Table] | None = None

    def column(self, database: str, table: str, name: str) -> Column | None:
        """Where a column stands; None where there is none."""
        key = (database, table)
        if key not in self._columns:
            self._columns[key] = [(r[0], str(r[1])) for r in self._source.ask(COLUMNS, key)]
        found = self._columns[key]
        for place, (column, kind) in enumerate(found):
            if column == name:
                return Column(place, len(found), "unsigned" in kind.lower())
        return None

    def cascades(self, table: Table, rules: Iterable[Rule]) -> set[Table]:
        """The tables whose rows a foreign key changes along with rows of this one, and so on."""
        if self._children is None:
            self._children = defaultdict(set)
            for *names, on_update, on_delete in self._source.ask(CASCADES):
                parent, child = (names[0], names[1]), (names[2], names[3])
                if on_update not in HARMLESS:
                    self._children[parent, "UPDATE"].add(child)
                if on_delete not in HARMLESS:
                    self._children[parent, "DELETE"].add(child)
        found: set[Table] = set()
        waiting = [child for rule in rules for child in self._children.get((table, rule), ())]
        while waiting:
            child = waiting.pop()
            if child not in found:
                found.add(child)
                # SET NULL is an update of the child, CASCADE may be a deletion.
                waiting += self._children.get((child, "UPDATE"), ())
                waiting += self._children.get((child, "DELETE"), ())
        return found

    def may_have_triggers(self, tables: Iterable[Table]) -> bool:
        """Whether a statement on these may do more than it says."""
        if self._triggers is None:
            if not self._source.may("TRIGGER"):
                return True
            self._triggers = {(row[0], row[1]) for row in self._source.ask(TRIGGERS)}
        return not self._triggers.isdisjoint(tables)
