"""What the layer reads off random statements, held against what the server says of them."""

from __future__ import annotations

from collections import Counter

from planets.cache.writing.reader import read
from planets.cache.writing.statement import Statement

from .grammar import TABLES, Grammar
from .server import DATABASE, Oracle

# How each of two halves quotes names, in which mode of the server; in the second, a backslash in a
# text is a backslash.
SPELLINGS = (("`", ""), ('"', "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"))


class Comparison:
    def __init__(self, seed: int) -> None:
        self.grammars = [
            (mode, Grammar(seed + number, DATABASE, quote))
            for number, (quote, mode) in enumerate(SPELLINGS)
        ]
        self.counts: Counter[str] = Counter()
        self.doubts: Counter[str] = Counter()
        self.misread: list[str] = []

    def run(self, oracle: Oracle, statements: int) -> None:
        """Compare that many statements that the server takes. After Crashed it may go on."""
        for number, (mode, grammar) in enumerate(self.grammars, start=1):
            oracle.set_mode(mode)
            while self.counts["compared"] < number * statements // len(self.grammars):
                self.compare(oracle, grammar.statement())

    def compare(self, oracle: Oracle, sql: str) -> None:
        needs = oracle.needs(sql)
        if needs is None:
            self.counts["refused by the server"] += 1
            return
        read_there, written_there = needs
        self.counts["compared"] += 1
        statement = read("mysql", sql, filled_in=False)
        if written_there and statement.kind == "read":
            self.misread.append(f"it is taken for a read: {sql}")
        if statement.doubt:
            self.counts["in doubt"] += 1
            self.doubts[statement.doubt] += 1
            return
        if statement.kind != ("write" if written_there else "read"):
            self.misread.append(f"it is taken for a {statement.kind}: {sql}")
        if missed := (written_there or read_there) - statement.tables:
            self.misread.append(f"{sorted(missed)} are missed: {sql}")
        if written_there:
            others = {table.lower() for table in TABLES} - written_there
            self.counts["with more tables than are written"] += bool(others & statement.tables)
            self.compare_rows(oracle, sql, statement)

    def compare_rows(self, oracle: Oracle, sql: str, statement: Statement) -> None:
        """Whether no row changes that was there and is not named."""
        keys = next((keys for keys in statement.keys if keys.column == "id"), None)
        if statement.changes_rows and not keys:
            return
        self.counts["whose rows are known"] += 1
        named = set(keys.values) if keys and statement.changes_rows else set()
        for table, ids in oracle.changes(sql).items():
            if ids - named:
                self.misread.append(f"rows {sorted(ids - named)} of {table} change, too: {sql}")
