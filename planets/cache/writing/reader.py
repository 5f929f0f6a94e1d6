"""Reading a SQL statement: what it does to which tables.

A read whose tables are not certain must not be cached; a write whose tables are not certain must
invalidate everything. So every doubt ends in `Statement.doubt`, and both sides look there first.

The first words tell most kinds apart; what is left goes to the parser.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .parser import parse
from .statement import Kind, Statement

FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|#[^\n]*\n|/\*(?![!M]).*?\*/)*(\w*)", re.S)
# Neither reads rows that we cache nor changes any.
HARMLESS = frozenset(
    "SAVEPOINT RELEASE SHOW EXPLAIN DESCRIBE DESC PRAGMA KILL HELP LOCK UNLOCK".split()
)
QUERIES = frozenset(["SELECT", "WITH", "VALUES", "TABLE"])
# MySQL runs what stands in such a comment.
RUNS_COMMENT = re.compile(r"/\*M?!")
# EXPLAIN ANALYZE does what it explains.
RUNS_EXPLAINED = re.compile(r"\bANALYZE\b.*\b(?:UPDATE|DELETE|INSERT|REPLACE)\b", re.I | re.S)
PRIVATE = re.compile(r"USE\b|CREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\b", re.I)
SET_STATEMENT = re.compile(r"SET\s+STATEMENT\b", re.I)  # MariaDB's, which runs the one after it
CHAIN = re.compile(r"(?<!NO )\bCHAIN\b", re.I)
# Longer ones differ by their rows, which nobody sends twice.
MEMORABLE = 20_000

# A bulk INSERT can be megabytes long, and all that matters of it stands before VALUES.
INSERT = re.compile(
    r"\s*INSERT(?:\s+IGNORE|\s+OR\s+IGNORE)?\s+INTO\s+([`\"]?)(\w+)\1\s*(?:\([^()]*\)\s*)?VALUES\b",
    re.I,
)
UPSERT = re.compile(r"\bON\s+(?:DUPLICATE|CONFLICT)\b", re.I)


def read(vendor: str, sql: str) -> Statement:
    """The statement `sql`, as Django hands it to a cursor of `vendor` (with %s placeholders)."""
    return (_remembered if len(sql) < MEMORABLE else _read)(vendor, sql)


def _read(vendor: str, sql: str) -> Statement:
    first: re.Match[str] = FIRST_WORD.match(sql)  # type: ignore[assignment]  # matches anything
    word, start = first[1].upper(), first.start(1)
    kind: Kind = "read" if word in QUERIES else "write"
    if RUNS_COMMENT.search(sql):
        return Statement(kind, doubt="its comment holds SQL")
    parts = [part for part in sql.split(";") if part.strip()]
    if len(parts) > 1:
        # A semicolon in a string makes a part that is no statement, so in doubt, and is parsed.
        kinds = {read(vendor, part).kind for part in parts}
        if kinds <= {"other", "isolation"}:
            return Statement("isolation" if "isolation" in kinds else "other")
        kind = "write"
    elif (word in HARMLESS and not RUNS_EXPLAINED.search(sql)) or (
        word == "ROLLBACK" and re.search(r"\bTO\b", sql, re.I)
    ):
        return Statement("other")
    elif word in ("COMMIT", "ROLLBACK", "END"):
        return Statement("begin" if CHAIN.search(sql) else "end")
    elif word in ("BEGIN", "START") and not re.search(r"\bNOT\s+ATOMIC\b", sql, re.I):
        return Statement("begin")
    elif PRIVATE.match(sql, start):
        return Statement("private")
    elif word == "SET" and not SET_STATEMENT.match(sql, start):
        return Statement("isolation" if "ISOLATION" in sql.upper() else "other")
    elif insert := INSERT.match(sql):
        return Statement(
            "write", frozenset([insert[2].lower()]), changes_rows=bool(UPSERT.search(sql))
        )
    return parse(vendor, sql, word, kind)


_remembered = lru_cache(maxsize=8192)(_read)
