"""A statement that has been told from others by its text, as Django hands it to a cursor."""

from __future__ import annotations

from hashlib import blake2b

from ...writing.statement import Statement
from .gist import LONGEST
from .line import Kind


class Known:
    """Its name in ledgers, and what is needed to account for it."""

    __slots__ = ("digest", "kind", "salt", "statement", "tables", "text")

    def __init__(self, alias: str, kind: Kind, text: str, sql: str, statement: Statement) -> None:
        self.kind, self.statement, self.text = kind, statement, text[:LONGEST]
        self.tables = tuple(sorted(statement.tables))
        told = repr((alias, kind, text, self.tables))
        self.digest = blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        # Values that stand in the text itself make another set, too.
        self.salt = blake2b(sql.encode("utf-8", "surrogatepass"), digest_size=8).digest()
