"""Reading a SQL statement: what it does to which tables, to its session and its transaction.

A read whose tables are not certain must not be cached; a write whose tables are not certain must
invalidate everything. So every doubt ends in `Statement.doubt`, and both sides look there first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .memo import Memo
from .statement import PrimaryKeys, Statement, hidden
from .verbs import QUERIES, WRITES, one
from .words import GRAMMAR, NUMBERS, Unreadable, Words, split

FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|#[^\n]*\n|/\*(?![!M]).*?\*/)*(\w*)", re.S)
ROLLBACK_TO = re.compile(r"\s*ROLLBACK\s+TO\b", re.I)

# A longer text differs from others in its values, so it is its words that are remembered.
MEMORABLE = 4_000
_by_text: Memo[Statement] = Memo(4_000_000)
_by_words: Memo[Statement] = Memo(2_000_000)

TEXT = re.compile(r"'[^']*'")
NUMBER = re.compile(rf"(?<= ){NUMBERS}(?= |$)")


def text_of(sql: Any) -> str:
    """What a cursor was handed, as text: MySQL's takes bytes, too."""
    if isinstance(sql, bytes | bytearray):
        return sql.decode("utf-8", "surrogateescape")
    return str(sql)


def read(vendor: str, sql: str, filled_in: bool = True) -> Statement:
    """The statement `sql`, as Django hands it to a cursor of `vendor`.

    `filled_in` says that it comes with parameters, so that the driver fills in its %s.
    """
    key = (vendor, filled_in, sql)
    statement = _by_text.get(key, sql)
    if statement is None:
        statement = _read(vendor, sql, filled_in)
        if len(sql) <= MEMORABLE:
            _by_text.put(key, sql, statement)
    return statement


def _read(vendor: str, sql: str, filled_in: bool) -> Statement:
    if vendor not in GRAMMAR:
        return _by_verb(sql, f"no SQL dialect is known for {vendor!r}")
    try:
        words = split(vendor, sql, filled_in)
    except Unreadable as error:
        return _by_first_word(sql, str(error))
    words = words._replace(text=_without_values(vendor, words.text))
    key = (vendor, *words[:2])
    statement = _by_words.get(key, words.text)
    if statement is None:
        statement = _of_words(vendor, words)
        _by_words.put(key, words.text, statement)
    return _placed(statement, words.values)


def _by_verb(sql: str, doubt: str) -> Statement:
    """Of a database whose SQL is not read."""
    word = FIRST_WORD.match(sql)[1].upper()  # type: ignore[index]  # it matches anything
    if word in QUERIES:
        return Statement("read", doubt=doubt)
    if word in ("SAVEPOINT", "RELEASE", "SET", "SHOW") or ROLLBACK_TO.match(sql):
        return Statement("other")
    if word in ("COMMIT", "END", "ROLLBACK"):
        return Statement("end")
    return Statement("begin" if word in ("BEGIN", "START") else "write", doubt=doubt)


def _by_first_word(sql: str, doubt: str) -> Statement:
    word = FIRST_WORD.match(sql)[1].upper()  # type: ignore[index]  # it matches anything
    if ";" not in sql.rstrip().rstrip(";"):
        if word in QUERIES:
            return Statement("write" if word == "WITH" else "read", doubt=doubt)
        if word in WRITES:
            return Statement("write", doubt=doubt)
    return hidden(doubt)


def _without_values(vendor: str, text: str) -> str:
    """The same for all values that say nothing; those of a condition may name the rows."""
    if vendor == "mysql" and not text.startswith("SET "):
        text = TEXT.sub("'$'", text)
    if text.startswith(("SELECT ", "INSERT ", "REPLACE ")):
        text = NUMBER.sub("1", text)
    return text


def _of_words(vendor: str, words: Words) -> Statement:
    parts = list(_parts(words.text))
    if not parts:
        return Statement("other")
    statements = [one(vendor, words._replace(text=part)) for part in parts]
    return statements[0] if len(statements) == 1 else _together(statements)


def _parts(text: str) -> Iterator[str]:
    for part in f" {text} ".split(" ; "):
        if part := part.strip():
            yield part


def _together(parts: list[Statement]) -> Statement:
    """What several statements in one string do."""
    quiet = all(part.kind in ("other", "read") for part in parts)
    return Statement(
        "other" if quiet else "write",
        doubt="" if quiet else "it is more than one statement",
        commits="perhaps" if any(map(_moves_transactions, parts)) else "",
        private=next((part.private for part in parts if part.private), ""),
        elsewhere=any(part.elsewhere for part in parts),
        isolation=any(part.isolation for part in parts),
    )


def _moves_transactions(statement: Statement) -> bool:
    return bool(statement.commits) or statement.kind in ("begin", "end")


def _placed(statement: Statement, values: tuple[range, ...]) -> Statement:
    """The same with its keys where they stand among the parameters of this text."""
    if not values or not statement.keys:
        return statement
    keys = tuple(
        PrimaryKeys(
            key.column, key.values, tuple(place for at in key.positions for place in values[at])
        )
        for key in statement.keys
    )
    return replace(statement, keys=keys)
