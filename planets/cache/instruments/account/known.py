"""A statement that has been told from others, by its text as Django hands it to a cursor.

Or what is computed, by its name: a page by its view, for its address may have values in it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.db import connections

from ...conf import conf
from ...events import COMPUTED
from ...reading.lookup import Lookup
from ...writing import reader
from ...writing.statement import Statement
from ..call_site import caller, view
from . import sketch
from .gist import LONGEST, gist
from .line import SITES, Kind, Line

SETS = 512  # of parameters, whose hash is remembered
CLOSELY = 64  # every so many calls one is looked at closely, and the first ones more often


class Known:
    """Its name in ledgers, and what is needed to account for it."""

    __slots__ = (
        "alias", "calls", "digest", "epoch", "hasher", "is_computed", "kind", "line",
        "second_sight", "seen_writes", "sets", "sites", "statement", "tables", "text", "ttl",
        "written",
    )  # fmt: skip

    line: Line

    def __init__(self, alias: str, kind: Kind, text: str, sql: str, statement: Statement) -> None:
        self.alias, self.kind, self.statement, self.text = alias, kind, statement, text[:LONGEST]
        self.is_computed = kind in COMPUTED
        self.tables = tuple(sorted(statement.tables))
        told = repr((alias, kind, text, self.tables))
        self.digest = blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        # Values that stand in the text itself make another set, too.
        self.hasher = sketch.hasher(sql)
        self.calls, self.sites = 0, dict[str, int]()
        self.sets: dict[int, int] = {}  # by Python's hash of parameters: ours, which takes longer
        self.ttl, self.second_sight = 0.0, False
        self.epoch = -1  # of its line
        self.written, self.seen_writes = 0, -1  # when its tables were, as of so many writes

    def hash_of(self, params: Any) -> int:
        """Of a call's parameters."""
        try:
            mine = hash(params)
        except TypeError:
            return sketch.hash_with(self.hasher, params)
        found = self.sets.get(mine)
        if found is None:
            if len(self.sets) >= SETS:
                self.sets.clear()
            found = self.sets[mine] = sketch.hash_with(self.hasher, params)
        return found

    def new_line(self) -> Line:
        doubt, sites = self.statement.doubt, dict(self.sites)
        line = Line(self.kind, self.text, self.tables, self.alias, doubt, sites=sites)
        line.ttl, line.second_sight = self.ttl, self.second_sight
        return line

    def fetched(self, lookup: Lookup) -> None:
        """Note how it is fetched."""
        self.ttl = 0.0 if lookup.expire_at else float(lookup.ttl or conf().TTL)
        self.second_sight = lookup.second_sight and not lookup.shelf.only_absences
        self.line.ttl, self.line.second_sight = self.ttl, self.second_sight

    def is_closely(self) -> bool:
        """Count a call; whether it is one that is looked at closely, which takes longer."""
        self.calls = calls = self.calls + 1
        return not calls % CLOSELY or not calls & (calls - 1)

    def locate(self) -> None:
        """Find out where the call came from."""
        if (
            self.kind != "page"
            and (site := caller())
            and (site in self.sites or len(self.sites) < SITES)
        ):
            self.sites[site] = self.sites.get(site, 0) + 1
            self.line.sites[site] = self.line.sites.get(site, 0) + 1


def of_statement(alias: str, kind: Kind, sql: str, filled_in: bool) -> Known:
    """Raises Unreadable: it cannot be told without its values."""
    vendor = connections[alias].vendor
    statement = reader.read(vendor, sql, filled_in)
    return Known(alias, kind, gist(vendor, sql, filled_in), sql, statement)


def of_fetch(lookup: Lookup) -> Known:
    """Raises Unreadable."""
    kind = lookup.shelf.kind
    if kind == "sql":
        return of_statement(lookup.alias, kind, lookup.sql, True)
    statement = Statement("read", frozenset(lookup.tables))
    if kind == "record":
        return Known(lookup.alias, kind, f"records of {lookup.tables[0]}", "", statement)
    if kind != "page":
        return Known(lookup.alias, kind, f"{kind} {lookup.sql}", "", statement)
    place = view(lookup.sql.partition("?")[0]) or "a view that has no source"
    known = Known(lookup.alias, kind, f"page of {place}", "", statement)
    known.sites = {place.partition(" in ")[0]: 1}
    return known
