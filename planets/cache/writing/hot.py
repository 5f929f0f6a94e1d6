"""Hot columns: written so often that who does not read them must not notice.

    CACHE_ASIDE = {"HOT": {"article": ["views"]}}

A write that sets nothing else moves a gate of its own, `gen:<database>:article#hot`. A SELECT that
may read one of them stands behind both gates, all others behind the table's alone. What is not
surely understood counts as a write to the whole table, and as a read of the hot columns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from django.db import connections

from ..conf import conf
from ..storage import keys, places
from . import reader
from .statement import Statement

logger = logging.getLogger(__name__)

TRUSTED = 60.0  # seconds: another client may change a table's definition


def gates_read(alias: str, sql: str, tables: Iterable[str]) -> list[str]:
    """The gates of the hot columns that a SELECT may read; `tables` are those that it names."""
    if not (settings := conf()).HOT:
        return []
    vendor = connections[alias].vendor
    found = [name for name in tables if may_read(vendor, sql, settings.hot(name))]
    return [keys.hot_gate(alias, name) for name in sorted(found)]


def may_read(vendor: str, sql: str, columns: frozenset[str]) -> bool:
    """Whether any of the columns can be read by a SELECT, as its text tells."""
    if not columns:
        return False
    # MySQL takes letters with accents for those without.
    if not (sql.isascii() and all(map(str.isascii, columns))):
        return True
    text = sql.lower()
    if any(column in text for column in columns):
        return True
    statement = reader.read(vendor, sql)
    return bool(statement.doubt) or not statement.names_columns


def written_alone(alias: str, statement: Statement) -> str:
    """The table of whose columns a write sets hot ones alone; "" where it may do more."""
    if not (statement.sets and conf().HOT and len(statement.tables) == 1):
        return ""
    (table,) = statement.tables
    return table if statement.sets <= conf().hot(table) and _is_plain(alias, table) else ""


# --- what else a write to a column changes

_known: dict[tuple[str, str], tuple[str, float]] = {}


def forget() -> None:
    """A table was changed: ask again."""
    _known.clear()


def _is_plain(alias: str, table: str) -> bool:
    """Whether the database changes no other column when one is written. Asks it now and then."""
    place = (places.database_name(alias), table)
    why, until = _known.get(place, ("", 0.0))
    if until < time.monotonic():
        before, why = why, _not_plain(alias, table)
        _known[place] = why, time.monotonic() + TRUSTED
        if why and why != before:
            logger.warning("CACHE_ASIDE['HOT'] has no effect on the writes to %r: %s", table, why)
    return not why


def _not_plain(alias: str, table: str) -> str:
    connection: Any = connections[alias]
    ask = {"mysql": _ask_mysql, "sqlite": _ask_sqlite}.get(connection.vendor)
    if ask is None:
        return f"what a write does there is not known of {connection.vendor!r}"
    try:
        # Past Django's wrappers: this is no statement of the application's.
        cursor = connection.connection.cursor()
        try:
            return ask(cursor, table)
        finally:
            cursor.close()
    except connection.Database.Error as error:
        return f"the database does not tell ({error})"


MYSQL = (
    ("it is no plain table", "TABLES", "LOWER(TABLE_NAME) = %s AND TABLE_TYPE <> 'BASE TABLE'"),
    (
        "another of its columns is generated, or set ON UPDATE",
        "COLUMNS",
        "LOWER(TABLE_NAME) = %s AND (EXTRA LIKE '%%on update%%' OR GENERATION_EXPRESSION <> '')",
    ),
    (
        "it has a trigger",
        "TRIGGERS",
        "LOWER(EVENT_OBJECT_TABLE) = %s AND EVENT_MANIPULATION = 'UPDATE'",
    ),
)
SCHEMA = {"TRIGGERS": "TRIGGER_SCHEMA"}
# Who may not have triggers is not shown them.
MAY_SEE_TRIGGERS = (
    "SELECT COUNT(*) FROM ("
    "SELECT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER' "
    "UNION ALL SELECT GRANTEE FROM information_schema.SCHEMA_PRIVILEGES "
    "WHERE PRIVILEGE_TYPE = 'TRIGGER' AND DATABASE() LIKE TABLE_SCHEMA "
    "UNION ALL SELECT GRANTEE FROM information_schema.TABLE_PRIVILEGES "
    "WHERE PRIVILEGE_TYPE = 'TRIGGER' AND TABLE_SCHEMA = DATABASE() AND LOWER(TABLE_NAME) = %s"
    ") granted WHERE REPLACE(GRANTEE, '''', '') = CURRENT_USER()"
)


def _ask_mysql(cursor: Any, table: str) -> str:
    def told(sql: str) -> bool:
        cursor.execute(sql, [table])
        return bool(cursor.fetchall()[0][0])

    for why, view, condition in MYSQL:
        schema = SCHEMA.get(view, "TABLE_SCHEMA")
        if told(
            f"SELECT COUNT(*) FROM information_schema.{view} "  # noqa: S608  words of our own
            f"WHERE {schema} = DATABASE() AND {condition}"
        ):
            return why
    if not told(MAY_SEE_TRIGGERS):
        return "whether it has triggers is not shown to this user: GRANT TRIGGER to it"
    return ""


def _ask_sqlite(cursor: Any, table: str) -> str:
    for schema in ("sqlite_master", "sqlite_temp_master"):
        cursor.execute(
            f"SELECT type, sql FROM {schema} WHERE LOWER(tbl_name) = ?",  # noqa: S608  as above
            [table],
        )
        for kind, sql in cursor.fetchall():
            if kind == "trigger":
                return "it has a trigger"
            if kind == "view" or (kind == "table" and not sql.upper().startswith("CREATE TABLE")):
                return "it is no plain table"
    cursor.execute("SELECT COUNT(*) FROM pragma_table_xinfo(?) WHERE hidden <> 0", [table])
    return "another of its columns is generated" if cursor.fetchone()[0] else ""
