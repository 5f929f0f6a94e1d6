"""Compiled queries, used again: compiling takes longer than a hit.

A plan is found in one of two ways. A queryset and its unchanged clones, those that all() makes,
share one; every other way to a new queryset goes through Query.clone(), which begins a plan of its
own, and what changes a query in place changes its `mark`. And a query that is built anew, as a view
does for each request, finds the plan of the one before by its fingerprint. A query that has no
fingerprint has no plan: its SQL may be another for each visitor, as with a time zone in it.
"""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from operator import attrgetter, is_
from typing import Any

from django.core.signals import setting_changed
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from .. import active
from ..reading import path
from ..recent import Recent
from .era import era
from .fingerprint import fingerprint
from .makers import Maker, maker

# Plans that are found by fingerprint; each holds a compiler, some 20 kB.
MAX_PLANS = 512
MAX_SEEN = 8192  # queries that came once


class Plan:
    """A compiler that has compiled its query, for one database."""

    __slots__ = ("compiler", "era", "makers", "name")

    def __init__(self) -> None:
        self.name: Hashable = None  # under which others find it
        self.compiler: Any = None
        self.makers: dict[type, Maker | None] = {}
        self.era = era.number

    def remember(self, compiler: SQLCompiler) -> None:
        known: Any = copy.copy(compiler)
        known.connection = known.plan = None  # a connection is its thread's
        self.compiler, self.era, self.makers = known, era.number, {}
        if self.name is not None:
            plans.add(self)

    def take(self, other: Plan) -> None:
        """Know what another plan of the same query knows."""
        self.makers, self.compiler, self.era = other.makers, other.compiler, other.era

    def recall(self, using: str | None) -> Any:
        """A compiler that need not compile; None where nothing is known for this database."""
        known = self.compiler
        if known is None or known.using != using or self.era != era.number:
            return None
        return self._revived(known)

    def _revived(self, known: Any) -> Any:
        compiler = copy.copy(known)
        compiler.connection, compiler.plan = active.connection(known.using), self
        return compiler

    def results(self, using: str, iterable: type) -> list[Any] | None:
        """What the query gives, without a compiler of its own; None where that is not known."""
        known = self.compiler
        if known is None or known.using != using or self.era != era.number:
            return None
        found, makers = known.found.get(False), self.makers
        if found is None:
            return None
        if iterable not in makers:
            makers[iterable] = maker(known, iterable)
        quick = makers[iterable]
        if quick is None or not quick.is_quick():
            return None
        lookup, doubt = found

        def load(wanted: Sequence[str]) -> dict[str, list[Any]]:
            return {wanted[0]: self._revived(known).load_all()}

        (key,) = lookup.keys
        rows = path.fetch(lookup, load, doubt)[key]
        return quick.results(rows, using, lambda: self._revived(known))


class Plans:
    """The least recently used ones within MAX_PLANS, by the fingerprints of their queries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self._seen = Recent[int, bool](MAX_SEEN)  # by their hashes

    def seek(self, query: Any, using: str | None) -> bool:
        """Give a query's plan what is known of the same query. False where it must not have one.

        A name, under which it will be known, it gets at second sight: most queries with a value of
        a visitor's in them never come again.
        """
        found = fingerprint(query)
        if found is None:
            return False
        name = (using, query.lifetime, found)
        with self._lock:
            query.plan.name = None  # the query may have been another when it was last looked for
            if known := self._plans.get(name):
                self._plans.move_to_end(name)
                query.plan.take(known)
            elif self._seen.again(hash(name), True):
                query.plan.name = name
        return True

    def add(self, plan: Plan) -> None:
        with self._lock:
            self._plans[plan.name] = plan
            if len(self._plans) > MAX_PLANS:
                self._plans.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._plans.clear()
            self._seen.clear()


plans = Plans()


def _reset(**kwargs: Any) -> None:
    plans.clear()  # a time zone is part of a query's parameters


def _after_fork() -> None:
    plans._lock = threading.Lock()  # the parent's may be held, by a thread that is not here


os.register_at_fork(after_in_child=_after_fork)
setting_changed.connect(_reset)

# Whatever a queryset's methods set on a query, by identity; containers that grow also by length.
_PARTS = attrgetter(
    *("where", "annotations", "annotation_select_mask", "extra", "extra_select_mask", "lifetime"),
    *("select", "values_select", "default_cols", "deferred_loading", "select_related"),
    *("order_by", "extra_order_by", "default_ordering", "standard_ordering", "group_by"),
    *("low_mark", "high_mark", "distinct", "distinct_fields", "combinator", "combined_queries"),
    *("select_for_update", "explain_info", "extra_tables"),
)

Mark = tuple[Any, ...]


def mark(query: Query) -> Mark:
    """What stays the same while a query does, cheap to take and to compare."""
    parts = _PARTS(query)
    return (*parts, len(query.where.children), len(query.annotations), len(query.extra))


def same(one: Mark, other: Mark) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))
