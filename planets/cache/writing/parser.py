"""The tables and every doubt of a SELECT or a write, as sqlglot parses it.

The parser takes more than any server does, and takes some of it for something else. So it is given
words that are certain (words.py), in its own idiom, and what it makes of them is believed only
where every node is of a kind that is known (nodes.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError

from .calls import unrepeatable
from .clock import NAME, reads_clock
from .idiom import CHANGES_OTHERS, REPLACES, in_its_idiom, sequences
from .nodes import KNOWN, KNOWN_IN_WRITES, unknown
from .plain_reads import names_its_columns
from .primary_keys import columns_set, primary_keys
from .statement import Kind, Statement
from .words import Words

logger = logging.getLogger(__name__)
# It warns of each statement that it takes for a bare command, which is answer enough for us.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class _MySQL(MySQL):
    ORIGINAL_NAME_META_KEY = NAME


DIALECTS = {"mysql": _MySQL, "sqlite": SQLite}


def parse(vendor: str, words: Words, kind: Kind) -> Statement:
    """The statement of a kind that its first word tells; "read" may turn out to be a write."""
    try:
        tree = sqlglot.parse(in_its_idiom(words.text), DIALECTS[vendor])[0]
        if not isinstance(tree, exp.Query):
            statement = _write(tree, words)
            return replace(statement, tables=statement.tables | sequences(words.text))
        if moved := sequences(words.text):
            return Statement("write", moved)
        return _query(tree, words, vendor)
    except Exception as error:
        # Whatever the parser makes of it: the statement is the application's, and must run.
        if not isinstance(error, SqlglotError):
            logger.debug("The parser failed on %r", words.text, exc_info=True)
        doubt = f"its SQL could not be parsed ({type(error).__name__})"
        return Statement("write" if words.text.startswith("WITH ") else kind, doubt=doubt)


def _query(tree: exp.Query, words: Words, vendor: str) -> Statement:
    tables, uncertain = _tables(tree.find_all(exp.Table), words)
    doubt = unrepeatable(tree, words.text, vendor) or unknown(tree, KNOWN) or uncertain
    if not doubt and not tables:
        doubt = "it names no table"
    if not doubt and vendor == "mysql":
        doubt = reads_clock(tree, words.text, tables)
    if not doubt and vendor == "sqlite" and any(map(_is_kept_by_sqlite, tables)):
        doubt = "SQLite keeps that table by itself"
    return Statement("read", tables, doubt=doubt, names_columns=names_its_columns(tree))


def _is_kept_by_sqlite(table: str) -> bool:
    return table.startswith(("sqlite_", "pragma_"))


def _write(tree: exp.Expr | None, words: Words) -> Statement:
    if isinstance(tree, exp.Insert):
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        tables, doubt = _tables([target], words)
        doubt = doubt or unknown(tree, KNOWN_IN_WRITES)
        replaces = bool(tree.args.get("conflict") or REPLACES.search(words.text))
        return Statement("write", tables, doubt=doubt, changes_rows=replaces)
    if isinstance(tree, exp.Update | exp.Delete):
        # What a subselect reads is not written; what is joined may be.
        named = [table for table in tree.find_all(exp.Table) if not table.find_ancestor(exp.Select)]
        tables, doubt = _tables(named, words)
        doubt = doubt or unknown(tree, KNOWN_IN_WRITES)
        if CHANGES_OTHERS.search(words.text):
            return Statement("write", tables, doubt=doubt)
        keys, sets = primary_keys(tree), columns_set(tree)
        return Statement("write", tables, doubt=doubt, keys=keys, sets=sets)
    if isinstance(tree, exp.Create | exp.Drop | exp.Alter | exp.TruncateTable):
        kind = str(tree.args.get("kind") or "TABLE").upper()
        tables, doubt = _tables(tree.find_all(exp.Table), words)
        if kind in ("TABLE", "INDEX") and tables:
            return Statement("write", tables, doubt=doubt)
    return Statement("write", doubt="its SQL does not say which tables it changes")


def _tables(found: Iterable[exp.Expr | None], words: Words) -> tuple[frozenset[str], str]:
    """Their names, and why they are not certain.

    Those of CTEs are among them: one may hide a table, and costs a gate at most.
    """
    names = set()
    for table in found:
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            return frozenset(), "its SQL does not say which tables it names"
        if table.db:
            return frozenset(), "it names another database"
        name = table.name
        if name == "$":  # so is a text that was not simple
            return frozenset(), "a text stands where it names a table"
        names.add((words.names[int(name[1:])] if name.startswith("?") else name).lower())
    return frozenset(names), ""
