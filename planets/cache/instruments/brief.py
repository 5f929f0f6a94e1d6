"""A statement as one line that tells it from others, for lists."""

from __future__ import annotations

import re

LONGEST = 160  # characters of a line
LIST = 40  # characters of a list of columns or of values that is told in full

QUOTED = re.compile(r'[`"](\w+)[`"]')
TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)")  # the last one may have been cut off
WORD = re.compile(r"[()]|[^\s()]+")
TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO) (\w+)", re.IGNORECASE)
MORE_TABLES = re.compile(r"\bFROM [\w ]+,|\(SELECT\b", re.IGNORECASE)
# What begins and ends a list that may be long: of its columns, and of what is set.
LISTS = {"SELECT": ("FROM",), "SET": ("WHERE", "RETURNING"), "DISTINCT": ("FROM",)}


def brief(sql: str, *, values: bool = True) -> str:
    """The statement without what is long and says little: quotes, lists of columns.

    Without `values` texts that stand in it are left out, too.
    """
    text = QUOTED.sub(r"\1", sql)
    if not values:
        text = TEXT.sub("?", text)
    text = _without_lists(" ".join(text.split()))
    text = _of_one_table(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _without_lists(text: str) -> str:
    """Long lists as "…": between SELECT and FROM, between SET and WHERE, in brackets."""
    kept: list[str] = []
    position, depth = 0, 0
    opened: list[tuple[int, int, tuple[str, ...]]] = []  # place in `kept`, depth, what ends it
    for word in WORD.finditer(text):
        told = word[0].upper()
        if told == "(":
            depth += 1
        if opened and opened[-1][1] == depth and told in opened[-1][2]:
            begin, _, _ = opened.pop()
            if len("".join(kept[begin:])) > LIST:
                kept[begin:] = ["…" if told == ")" else " …"]
        kept.append(text[position : word.end()])
        position = word.end()
        if told in LISTS:
            if opened and told == "DISTINCT" and opened[-1][1] == depth:
                opened.pop()
            opened.append((len(kept), depth, LISTS[told]))
        elif told == "(":
            opened.append((len(kept), depth, (")",)))
        elif told == ")":
            depth -= 1
    return "".join(kept)


def _of_one_table(text: str) -> str:
    """Columns without their table, where all are of one."""
    tables = set(TABLE.findall(text))
    if len(tables) != 1 or MORE_TABLES.search(text):
        return text
    return re.sub(rf"\b{tables.pop()}\.(?=\w)", "", text)
