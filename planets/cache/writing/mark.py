"""The mark of a write that the layer has heard of, for who reads the binlog (`MARK`)."""

from __future__ import annotations

import re

from ..conf import conf

MARK = "/* cache-aside */"
# After the first word: MySQLdb looks at how an INSERT begins to send many rows at once.
FIRST_WORD = re.compile(r"\s*[A-Za-z]+")


def marked(sql: object) -> object:
    """The same statement with the mark, where the setting asks for it."""
    if not conf().MARK or not isinstance(sql, str) or not (word := FIRST_WORD.match(sql)):
        return sql
    return f"{word[0]} {MARK}{sql[word.end() :]}"


def is_marked(sql: str) -> bool:
    return MARK in sql[:200]
