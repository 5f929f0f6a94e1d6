"""The tables, functions and primary keys of a SQL statement, as sqlglot parses it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from itertools import count

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .statement import Kind, PrimaryKeys, Statement

# It warns of each statement that it takes for a bare command, which is answer enough for us.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

DIALECTS = {"mysql": "mysql", "sqlite": "sqlite"}

# A longer list names no other tables; without this each length would be parsed anew.
IN_LIST = re.compile(r"\bIN \(%s(?:, %s)+\)")
PLACEHOLDER = re.compile(r"%s|%\(\w+\)s|%%")

# Functions whose value is not a function of the tables.
VOLATILE = frozenset(
    "CurrentDate CurrentTime CurrentTimestamp CurrentDatetime CurrentUser SessionUser "
    "Localtime Localtimestamp UtcDate UtcTime UtcTimestamp Rand Uuid".split()
)
# MySQL lets these be called without parentheses; sqlglot takes them for columns.
VOLATILE_COLUMNS = frozenset(["UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP", "SYSDATE", "ROWNUM"])
# SQLite's take the string 'now', which may come as a parameter.
SQLITE_CLOCK = re.compile(r"\b(?:date|time|datetime|julianday|strftime|unixepoch)\s*\(", re.I)
# Functions that sqlglot does not know and that depend on their arguments alone. A name that is not
# here may be a stored function, which can read any table.
PURE = frozenset(
    "ADDDATE ADDTIME AES_DECRYPT AES_ENCRYPT BIN BITXOR BIT_AND BIT_COUNT BIT_OR BIT_XOR CONV "
    "CRC32 EXPORT_SET FIELD FIND_IN_SET FROM_DAYS GET_FORMAT INET_ATON INET_NTOA ISNULL "
    "JSON_ARRAY JSON_ARRAYAGG JSON_COMPACT JSON_CONTAINS JSON_CONTAINS_PATH JSON_DEPTH "
    "JSON_LENGTH JSON_OVERLAPS JSON_QUOTE JSON_SEARCH JSON_UNQUOTE JSON_VALID JSON_VALUE "
    "MAKEDATE MICROSECOND MID OCT OCTET_LENGTH ORD PERIOD_ADD QUOTE SEC_TO_TIME SHA224 SHA256 "
    "SHA384 SHA512 STD STRCMP SUBDATE SUBTIME TIMEDIFF TIMESTAMPADD TIME_FORMAT TIME_TO_SEC "
    "TO_SECONDS TYPEOF WEEKDAY YEARWEEK".split()
)


def parse(vendor: str, sql: str, word: str, kind: Kind) -> Statement:
    """The statement that begins with `word`, of a kind that the words alone tell."""
    if vendor not in DIALECTS:
        return Statement(kind, doubt=f"no SQL dialect is known for {vendor!r}")
    if kind == "read":
        sql = IN_LIST.sub("IN (%s)", sql)
    try:
        trees = [tree for tree in sqlglot.parse(_prepare(word, sql), DIALECTS[vendor]) if tree]
    except (SqlglotError, RecursionError) as error:
        if word == "WITH":
            kind = "write"  # as it may be: WITH ... DELETE
        return Statement(kind, doubt=f"its SQL could not be parsed ({type(error).__name__})")
    if len(trees) != 1:
        return Statement("write", doubt="it is more than one statement")
    tree = trees[0]
    if isinstance(tree, exp.Query):
        return _query(tree, sql, vendor)
    return _write(tree, sql)


def _prepare(word: str, sql: str) -> str:
    """The SQL in sqlglot's words: placeholders numbered in order, INSERT for REPLACE."""
    if word == "REPLACE":
        sql = re.sub(
            r"\bREPLACE(?:\s+(?:LOW_PRIORITY|DELAYED))?", "INSERT", sql, count=1, flags=re.I
        )
    position = count()
    return PLACEHOLDER.sub(lambda m: "%" if m[0] == "%%" else f":p{next(position)}", sql)


def _query(tree: exp.Query, sql: str, vendor: str) -> Statement:
    tables = _tables(tree.find_all(exp.Table))
    return Statement("read", tables, doubt=_elsewhere(tree) or _unrepeatable(tree, sql, vendor))


def _elsewhere(tree: exp.Expr) -> str:
    if any(table.db for table in tree.find_all(exp.Table)):
        return "it names another database"
    return ""


def _unrepeatable(tree: exp.Query, sql: str, vendor: str) -> str:
    """Why the same tables need not give the same rows; "" when they do."""
    if any(select.args.get("locks") for select in tree.find_all(exp.Select)):
        return "it locks rows"
    if any(select.args.get("into") for select in tree.find_all(exp.Select)):
        return "it writes INTO something"
    if tree.find(exp.Parameter, exp.SessionParameter):
        return "it reads a session variable"
    for function in tree.find_all(exp.Func):
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        if type(function).__name__ in VOLATILE:
            return f"{name}() changes by itself"
        if (
            isinstance(function, exp.Anonymous)
            and name.upper() not in PURE
            and not name.lower().startswith("django_")
        ):
            return f"{name}() is not known to depend on its arguments alone"
    for column in tree.find_all(exp.Column):
        bare = not column.table and not column.this.args.get("quoted")
        if bare and column.name.upper() in VOLATILE_COLUMNS:
            return f"{column.name} changes by itself"
    if vendor == "sqlite" and SQLITE_CLOCK.search(sql):
        return "it may ask for the time"
    if not tree.find(exp.Table):
        return "it names no table"
    return ""


def _write(tree: exp.Expr, sql: str) -> Statement:
    if doubt := _elsewhere(tree):
        return Statement("write", doubt=doubt)
    if isinstance(tree, exp.Insert):
        target = tree.this.find(exp.Table)
        replaces = bool(tree.args.get("conflict") or tree.args.get("alternative"))
        replaces = replaces or "REPLACE" in sql.upper()
        return Statement("write", _tables([target]), changes_rows=replaces)
    if isinstance(tree, exp.Update | exp.Delete):
        # What a subselect reads is not written; what is joined may be.
        written = [t for t in tree.find_all(exp.Table) if not t.find_ancestor(exp.Select)]
        tables = _tables(written)
        # Joined with itself a table has rows that change and others that are named.
        keys = _primary_keys(tree, sql) if len(written) == 1 else ()
        return Statement("write", tables, keys=keys)
    if isinstance(tree, exp.Create | exp.Drop | exp.Alter | exp.TruncateTable):
        kind = str(tree.args.get("kind") or "TABLE").upper()
        tables = _tables(tree.find_all(exp.Table))
        if kind in ("TABLE", "INDEX") and tables:
            return Statement("write", tables)
    return Statement("write", doubt="its SQL does not say which tables it changes")


def _tables(found: Iterable[exp.Table | None]) -> frozenset[str]:
    """Their names. Those of CTEs are among them: one may hide a table, and costs a gate at most."""
    return frozenset(table.name.lower() for table in found if table and table.name)


def _primary_keys(tree: exp.Expr, sql: str) -> tuple[PrimaryKeys, ...]:
    """Each `column = value` and `column IN (values)` that every changed row must satisfy."""
    where = tree.args.get("where")
    if where is None or tree.args.get("with_") or tree.args.get("with"):
        return ()
    placeholders = sum(1 for _ in tree.find_all(exp.Placeholder))
    if placeholders != sum(1 for match in PLACEHOLDER.finditer(sql) if match[0] != "%%"):
        return ()  # a %s inside a string: the positions cannot be trusted
    set_columns = {
        item.this.name.lower()
        for item in tree.args.get("expressions") or ()
        if isinstance(item, exp.EQ)
    }
    found = []
    conditions = where.this.unnest()
    for part in conditions.flatten() if isinstance(conditions, exp.And) else [conditions]:
        condition = part.unnest()
        if isinstance(condition, exp.EQ):
            values: Sequence[exp.Expression] = [condition.expression]
        elif isinstance(condition, exp.In) and not condition.args.get("query"):
            values = condition.expressions
        else:
            continue
        column = condition.this
        if not isinstance(column, exp.Column) or column.name.lower() in set_columns:
            continue
        if all(isinstance(v, exp.Placeholder) for v in values):
            at = tuple(int(v.name[1:]) for v in values)
            found.append(PrimaryKeys(column.name.lower(), (), at))
        elif all(isinstance(v, exp.Literal) and v.is_int for v in values):
            found.append(PrimaryKeys(column.name.lower(), tuple(int(v.name) for v in values), ()))
    return tuple(found)
