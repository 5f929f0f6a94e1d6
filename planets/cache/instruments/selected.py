"""What the columns of a query's rows are called, as its SQL has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

BEGIN = re.compile(r"\s*SELECT\s+(?:DISTINCT\s+)?", re.IGNORECASE)
ALIAS = re.compile(r"\s+AS\s+[`\"]?(\w+)[`\"]?\s*\Z", re.IGNORECASE)
COLUMN = re.compile(r"\s*(?:[`\"]?\w+[`\"]?\s*\.\s*)*[`\"]?(\w+)[`\"]?\s*\Z")
# A quoted text or name, a bracket, a comma, or the word that ends the list.
PARTS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`[^`]*`|[(),]|\bFROM\b", re.IGNORECASE)
LONGEST = 40  # characters of an expression that has no name


def selected(sql: str, width: int) -> tuple[str, ...]:
    """The names of `width` columns; () where the SQL does not tell them for certain."""
    begin = BEGIN.match(sql)
    if not begin or not width:
        return ()
    parts = list(_parts(sql, begin.end()))
    if len(parts) != width or any(part.strip().endswith("*") for part in parts):
        return ()  # `SELECT *`, a UNION, or a list that was cut short
    return tuple(map(_name, parts))


def _parts(sql: str, position: int) -> Iterator[str]:
    """What stands between the commas of the list, as far as FROM."""
    depth, begin = 0, position
    for found in PARTS.finditer(sql, position):
        word = found[0].upper()
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif not depth and word in (",", "FROM"):
            yield sql[begin : found.start()]
            if word == "FROM":
                return
            begin = found.end()
    yield sql[begin:]


def _name(part: str) -> str:
    named = ALIAS.search(part) or COLUMN.match(part)
    if named:
        return named[1]
    text = " ".join(part.replace('"', "").replace("`", "").split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
