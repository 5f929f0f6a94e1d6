"""What SET and PRAGMA may change without changing the result of any query.

Each list is of what is known. After anything else the connection is private: what it reads may be
another result than what others read, so it neither fills nor is served.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .statement import HIDDEN, Statement

# How long something may take, how much memory, what is logged, what a write may do: never what a
# query finds.
HARMLESS = frozenset(
    "AUTO_INCREMENT_INCREMENT AUTO_INCREMENT_OFFSET BULK_INSERT_BUFFER_SIZE "
    "CHECK_CONSTRAINT_CHECKS DEFAULT_STORAGE_ENGINE DEFAULT_TMP_STORAGE_ENGINE FOREIGN_KEY_CHECKS "
    "GENERAL_LOG IDLE_TRANSACTION_TIMEOUT INNODB_LOCK_WAIT_TIMEOUT INNODB_STRICT_MODE "
    "INTERACTIVE_TIMEOUT JOIN_BUFFER_SIZE LOCK_WAIT_TIMEOUT LONG_QUERY_TIME LOW_PRIORITY_UPDATES "
    "MAX_EXECUTION_TIME MAX_HEAP_TABLE_SIZE MAX_JOIN_SIZE MAX_STATEMENT_TIME NET_BUFFER_LENGTH "
    "NET_READ_TIMEOUT NET_RETRY_COUNT NET_WRITE_TIMEOUT PROFILING PROFILING_HISTORY_SIZE "
    "QUERY_CACHE_TYPE READ_BUFFER_SIZE READ_RND_BUFFER_SIZE SLOW_QUERY_LOG SORT_BUFFER_SIZE "
    "SQL_BIG_SELECTS SQL_LOG_BIN SQL_LOG_OFF SQL_NOTES SQL_QUOTE_SHOW_CREATE SQL_SAFE_UPDATES "
    "SQL_WARNINGS STORAGE_ENGINE TMP_TABLE_SIZE TRANSACTION_READ_ONLY TX_READ_ONLY UNIQUE_CHECKS "
    "WAIT_TIMEOUT".split()
)
# These with these values only.
HARMLESS_VALUES = {
    "SQL_AUTO_IS_NULL": frozenset(["0", "OFF", "FALSE"]),
    "COMPLETION_TYPE": frozenset(["0", "NO_CHAIN", "DEFAULT"]),
}
ISOLATION = frozenset(["TX_ISOLATION", "TRANSACTION_ISOLATION"])
SCOPES = frozenset(["GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY"])
OF_THE_SERVER = frozenset(["GLOBAL", "PERSIST", "PERSIST_ONLY"])
PLAIN_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|[\w$.]+|@@?[\w.$]+|[-+]")

# Of SQLite. Without a value they only tell; of these the value, too, changes no result.
TELL = frozenset(
    "COLLATION_LIST COMPILE_OPTIONS DATABASE_LIST DATA_VERSION FOREIGN_KEY_CHECK FOREIGN_KEY_LIST "
    "FREELIST_COUNT FUNCTION_LIST INDEX_INFO INDEX_LIST INDEX_XINFO INTEGRITY_CHECK MODULE_LIST "
    "PAGE_COUNT PRAGMA_LIST QUICK_CHECK TABLE_INFO TABLE_LIST TABLE_XINFO".split()
)
PRAGMAS = TELL | frozenset(
    "ANALYSIS_LIMIT APPLICATION_ID AUTO_VACUUM BUSY_TIMEOUT CACHE_SIZE CACHE_SPILL "
    "CHECKPOINT_FULLFSYNC DEFER_FOREIGN_KEYS FOREIGN_KEYS FULLFSYNC IGNORE_CHECK_CONSTRAINTS "
    "INCREMENTAL_VACUUM JOURNAL_MODE JOURNAL_SIZE_LIMIT LEGACY_ALTER_TABLE LOCKING_MODE "
    "MAX_PAGE_COUNT MMAP_SIZE OPTIMIZE PAGE_SIZE SECURE_DELETE SHRINK_MEMORY SYNCHRONOUS "
    "THREADS USER_VERSION WAL_AUTOCHECKPOINT WAL_CHECKPOINT".split()
)


def pragma(words: list[str]) -> Statement:
    """PRAGMA [<database> .] <name> ..."""
    what = words[3:] if words[2:3] == ["."] else words[1:]
    name = what[0].rstrip("(").strip("`'") if what else ""
    if name in PRAGMAS or len(what) == 1:
        return Statement("other")
    return Statement("other", private=f"PRAGMA {name} {HIDDEN}")


def set_variables(words: list[str]) -> Statement:
    """SET ...; its parts are assignments, or have words of their own."""
    first, second = (*words[1:3], "", "")[:2]
    if first == "PASSWORD" or words[1:3] == ["DEFAULT", "ROLE"]:
        return Statement("other", commits="yes")
    if words[1:3] == ["RESOURCE", "GROUP"]:
        return Statement("other")
    if first == "TRANSACTION" or (first in SCOPES and second == "TRANSACTION"):
        # Of the server: of sessions to come, whose level Django sets.
        isolation = "ISOLATION" in words and first not in OF_THE_SERVER
        return Statement("other", isolation=isolation)
    if first == "NAMES" and len(words) == 3 and words[2] != "DEFAULT":
        charset = words[2].strip("'\"`").lower()
        return Statement("other", private=f"SET NAMES {charset} {HIDDEN}", charset=charset)
    return _assignments(words[1:])


def _assignments(words: list[str]) -> Statement:
    isolation, commits, private, doubt = False, False, "", ""
    for scope, name, value in _parts(words):
        if name.startswith("@"):
            continue  # a variable of the user's, and queries that read it are not cached
        if name in HARMLESS and all(map(PLAIN_VALUE.fullmatch, value)):
            continue
        if " ".join(value).strip("'\"").upper() in HARMLESS_VALUES.get(name, ()):
            continue
        if name == "AUTOCOMMIT":
            commits = True
        elif name in ISOLATION:
            isolation = isolation or scope not in OF_THE_SERVER
        elif scope in OF_THE_SERVER:
            doubt = f"SET {scope} {name} may change the results of sessions to come"
        else:
            private = private or f"SET {name} {HIDDEN}"
    return Statement(
        "write" if doubt else "other",
        doubt=doubt,
        commits="perhaps" if commits else "",
        private=private,
        isolation=isolation,
    )


def _parts(words: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Scope, name and value of each assignment; what is none, as ROLE, has all for its name."""
    scope = "SESSION"
    for part in _split(words):
        if part and part[0] in SCOPES:
            scope, *part = part  # and of those after it that name none
        named = scope
        name = part[0].strip("`") if part else ""
        if name.startswith("@@"):
            named, _, name = name[2:].rpartition(".")
            named = named or "SESSION"
        if len(part) > 2 and part[1] in ("=", ":="):
            yield named, name.upper(), part[2:]
        else:
            yield named, " ".join(part), []


def _split(words: list[str]) -> Iterator[list[str]]:
    """At the commas that stand in no parentheses."""
    depth = 0
    part: list[str] = []
    for word in [*words, ","]:
        depth += word.count("(") - word.count(")")
        if word == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(word)
