"""What the first words of a statement tell, and what is left to the parser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .calls import changes_nothing
from .parser import parse
from .statement import Statement, hidden
from .variables import pragma, set_variables
from .words import Words

QUERIES = frozenset(["SELECT", "WITH", "VALUES", "TABLE"])
WRITES = frozenset(["INSERT", "REPLACE", "UPDATE", "DELETE"])
DEFINES = frozenset(["CREATE", "ALTER", "DROP", "TRUNCATE"])
# They neither read rows that we cache nor change any. (PREPARE runs nothing: EXECUTE does.)
HARMLESS = frozenset(
    "CHECKSUM DEALLOCATE GET HANDLER HELP KILL PREPARE RESIGNAL SAVEPOINT SHOW SIGNAL".split()
)
# Of rights, which change no row.
RIGHTS = frozenset(["GRANT", "REVOKE"])
TEMPORARY = {
    "mysql": re.compile(r"(?:CREATE (?:OR REPLACE )?|DROP )TEMPORARY "),
    "sqlite": re.compile(r"CREATE (?:TEMP|TEMPORARY) |CREATE (?:[A-Z]+ )*(?:TEMP|`(?i:temp)`) \. "),
}
# What they change is not in their words; to their session they do nothing.
UNCERTAIN = frozenset(
    "BINLOG CACHE CHANGE CHECK FLUSH IMPORT INSTALL LOAD OPTIMIZE PURGE REINDEX RENAME "
    "REPAIR RESET START STOP UNINSTALL VACUUM".split()
)

WHICH_TABLES = "its SQL does not say which tables it changes"
ELSEWHERE = "its connection uses another database, or has temporary tables"


def one(vendor: str, words: Words) -> Statement:
    """What a single statement does."""
    text = words.text.split(" ")
    first = next((word.rstrip("(") for word in text if word.rstrip("(")), "")
    if special := SPECIAL.get(first):
        return special(vendor, words, text)
    if first in QUERIES or first in WRITES:
        return parse(vendor, words, "read" if first in QUERIES else "write")
    if first in DEFINES:
        return _definition(vendor, words, text)
    if first in HARMLESS:
        return Statement("other")
    if first in RIGHTS:
        return Statement("other", commits="yes")
    if first in UNCERTAIN:
        return Statement("write", doubt=WHICH_TABLES, commits="perhaps")
    return hidden(WHICH_TABLES)


def _definition(vendor: str, words: Words, text: list[str]) -> Statement:
    """CREATE, ALTER, DROP, TRUNCATE. MySQL commits before, and after."""
    if TEMPORARY[vendor].match(words.text):
        # SQLite's triggers may be temporary, too, and write to any table.
        return Statement("other", private=ELSEWHERE, elsewhere=vendor == "sqlite")
    if text[:2] == ["DROP", "PREPARE"]:
        return Statement("other")
    if text[1:2] in (["USER"], ["ROLE"]):
        return Statement("other", commits="yes")
    return replace(parse(vendor, words, "write"), commits="yes" if vendor == "mysql" else "")


def _begin(vendor: str, words: Words, text: list[str]) -> Statement:
    if text[1:3] == ["NOT", "ATOMIC"]:  # MariaDB's, which runs what stands in it
        return hidden(WHICH_TABLES)
    return Statement("begin")


def _start(vendor: str, words: Words, text: list[str]) -> Statement:
    if text[1:2] == ["TRANSACTION"]:
        return Statement("begin")
    return Statement("write", doubt=WHICH_TABLES, commits="perhaps")


def _end(vendor: str, words: Words, text: list[str]) -> Statement:
    if "TO" in text:  # a savepoint
        return Statement("other")
    chained = "CHAIN" in text and "NO" not in text[: text.index("CHAIN")]
    return Statement("begin" if chained else "end")


def _xa(vendor: str, words: Words, text: list[str]) -> Statement:
    """A transaction that another connection may commit, from PREPARE on."""
    what = text[1] if len(text) > 1 else ""
    if what in ("START", "BEGIN"):
        return Statement("begin")
    if what in ("PREPARE", "ROLLBACK"):
        return Statement("end")
    if what == "COMMIT":
        return Statement("write", doubt=WHICH_TABLES, commits="yes")
    return Statement("other")


def _lock(vendor: str, words: Words, text: list[str]) -> Statement:
    if text[1:2] not in (["TABLES"], ["TABLE"]):
        return Statement("other")
    return Statement("other", commits="yes" if text[0] == "LOCK" else "perhaps")


def _set(vendor: str, words: Words, text: list[str]) -> Statement:
    if text[1:2] != ["STATEMENT"]:
        return set_variables(text)
    # MariaDB's SET STATEMENT <variables> FOR <statement>
    if "FOR" not in text:
        return hidden(WHICH_TABLES)
    inner = one(vendor, words._replace(text=" ".join(text[text.index("FOR") + 1 :])))
    if inner.kind == "read":
        inner = replace(inner, doubt=inner.doubt or "SET STATEMENT may change its result")
    return replace(inner, keys=())  # whose places are counted from FOR


def _savepoint(vendor: str, words: Words, text: list[str]) -> Statement:
    """On SQLite a savepoint outside of a transaction begins one, and its release commits."""
    ends = vendor == "sqlite" and text[0] == "RELEASE"
    return Statement("other", commits="perhaps" if ends else "")


def _pragma(vendor: str, words: Words, text: list[str]) -> Statement:
    return pragma(text)


def _elsewhere(vendor: str, words: Words, text: list[str]) -> Statement:
    return Statement("other", private=ELSEWHERE, elsewhere=True)


def _call(vendor: str, words: Words, text: list[str]) -> Statement:
    """A procedure leaves what it likes: temporary tables, variables, an open transaction."""
    return hidden(WHICH_TABLES, text[0], elsewhere=text[0] != "CALL")


def _do(vendor: str, words: Words, text: list[str]) -> Statement:
    if changes_nothing(words.text, vendor):
        return Statement("other")
    return Statement("write", doubt=WHICH_TABLES)


def _explain(vendor: str, words: Words, text: list[str]) -> Statement:
    """EXPLAIN runs nothing; with ANALYZE, before or after it, it runs what it explains."""
    verbs = QUERIES | WRITES
    at = next((at for at, word in enumerate(text) if word.rstrip("(") in verbs), len(text))
    if "ANALYZE" not in text[:at] or vendor == "sqlite":
        return Statement("other")
    inner = one(vendor, words._replace(text=" ".join(text[at:])))
    if inner.kind == "read":
        return Statement("other")
    return replace(inner, keys=())


def _analyze(vendor: str, words: Words, text: list[str]) -> Statement:
    if {"TABLE", "TABLES"} & set(text[:3]) or vendor == "sqlite":
        return Statement("write", doubt=WHICH_TABLES, commits="perhaps")
    return _explain(vendor, words, text)


SPECIAL: dict[str, Callable[[str, Words, list[str]], Statement]] = {
    "ANALYZE": _analyze,
    "ATTACH": _elsewhere,
    "BEGIN": _begin,
    "CALL": _call,
    "COMMIT": _end,
    "DESC": _explain,
    "DESCRIBE": _explain,
    "DETACH": _elsewhere,
    "DO": _do,
    "END": _end,
    "EXECUTE": _call,
    "EXPLAIN": _explain,
    "LOCK": _lock,
    "PRAGMA": _pragma,
    "RELEASE": _savepoint,
    "ROLLBACK": _end,
    "SET": _set,
    "START": _start,
    "UNLOCK": _lock,
    "USE": _elsewhere,
    "XA": _xa,
}
