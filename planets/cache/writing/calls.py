"""Why the same tables need not give the same rows: what a SELECT calls, as its words tell.

The parser has types of its own for many functions, and finds some where a server finds none. So a
function is known by its name as it was written, and every name before a parenthesis is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from .functions import CALLED_BARE, CHANGING, PURE, SYNTAX, TYPES

WITHOUT_ARGUMENTS = re.compile(r"\b(UNIX_TIMESTAMP)\( \)")
# Their names are reserved, so that nobody can redefine them, and they may stand apart from their
# parenthesis. Of others it depends on the server's settings whether they are then its own.
RESERVED = frozenset("CHAR CONVERT IF INSERT LEFT MOD REPEAT REPLACE RIGHT".split())
A_NAME = re.compile(r"[A-Z_$`\"]")
# They wait, and change nothing that a query reads.
LOCKS = frozenset(["GET_LOCK", "RELEASE_LOCK", "RELEASE_ALL_LOCKS", "SLEEP"])


def unrepeatable(tree: exp.Query, text: str, vendor: str) -> str:
    """Why the value of what it calls need not be the same again; "" where it is."""
    words = text.split(" ")
    if bare := next((word for word in words if word in CALLED_BARE), ""):
        return f"{bare} changes by itself"
    if any(word.startswith("@") for word in words):
        return "it reads a session variable"
    if "SQL_CALC_FOUND_ROWS" in words:
        return "FOUND_ROWS() after it tells of it"
    if call := WITHOUT_ARGUMENTS.search(text):
        return _not_known(call[1])
    made = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for name, before, apart in _calls(words):
        if name.strip("`").upper() in made or name in SYNTAX:
            continue
        if apart and name not in RESERVED:
            return f"{name} stands apart from its parenthesis, so it may be a stored function"
        is_type = before == "AS" and name in TYPES
        if before == "." or not (name in PURE[vendor] or is_type):
            return _not_known(name)
    return ""


def _calls(words: list[str]) -> Iterator[tuple[str, str, bool]]:
    """Each name before a parenthesis, what stands before it, and whether it stands apart."""
    for at, word in enumerate(words):
        if not word.endswith("("):
            continue
        apart = word == "(" and at > 0
        place = at - apart
        name = words[place] if apart else word[:-1]
        if A_NAME.match(name) and not name.endswith("("):
            yield name, words[place - 1] if place else "", apart


def _not_known(name: str) -> str:
    if name in CHANGING:
        return f"{name}() changes by itself"
    return f"{name}() is not known to depend on its arguments alone"


def changes_nothing(text: str, vendor: str) -> bool:
    """Whether all that it calls is known to write nothing."""
    calls = list(_calls(text.split(" ")))
    known = PURE[vendor] | SYNTAX | LOCKS
    return all(name in known and before != "." and not apart for name, before, apart in calls)
