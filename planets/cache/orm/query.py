"""The Query of a cached queryset: an ordinary one that hands out compilers which ask the cache."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, ClassVar, Self, cast

from django.db.models import Count
from django.db.models.sql import AggregateQuery, Query
from django.db.models.sql.compiler import SQLCompiler

from .answers import answer, known, name_of
from .compiler import Lifetime, cached
from .fingerprint import fingerprint
from .plans import Mark, Plan, mark, plans, same

COUNT = "__count"  # Django's own name for it


class CachedQuery(Query):
    """A SELECT whose results go through the cache. As a subquery it is like any other."""

    cache_aside_plain = True  # as a part of another query
    uncached: ClassVar[type[Query]] = Query  # the class that it was
    refusal: ClassVar[str] = ""  # why its results are not cached

    lifetime = Lifetime()
    plan: Plan
    mark: Mark = ()
    sought: bool | None = None  # what seek() said, on the way to the compiler
    settled = False  # it does not change any more: see steps.py
    told: Hashable = None  # its fingerprint, where it is settled and was asked for it

    def become(self, lifetime: Lifetime) -> None:
        """What the class of an ordinary query is changed to this one for."""
        self.lifetime = lifetime
        self.begin()

    def begin(self) -> None:
        """A plan of its own."""
        self.plan, self.mark, self.sought = Plan(), (), None
        self.settled, self.told = False, None

    def clone(self) -> Self:
        obj = cast(Self, super().clone())
        obj.begin()
        return obj

    def check(self) -> None:
        """Begin anew where the query was changed in place since its plan was looked at."""
        now = mark(self)
        if self.mark and not same(self.mark, now):
            self.begin()
        self.mark = now

    def share(self, clone: Self) -> None:
        """Let an unchanged clone use this query's plan."""
        self.check()
        clone.plan, clone.mark = self.plan, mark(clone)

    def fingerprint(self) -> Hashable | None:
        """As the function of that name, which a settled query asks once."""
        if not self.settled:
            return fingerprint(self)
        if self.told is None:
            self.told = fingerprint(self)
        return self.told

    def seek(self, using: str | None) -> bool:
        """Look for a plan; False where there must be none."""
        self.check()
        return self.plan.compiler is not None or plans.seek(self, using)

    def results(self, using: str, iterable: type) -> list[Any] | None:
        """What it gives, where its plan is known; None where Django has to compile or make it."""
        if self.refusal:
            return None
        told = self.seek(using)
        if told and (found := self.plan.results(using, iterable)) is not None:
            return found
        self.sought = told  # by this same reader, who now asks for a compiler
        return None

    # What is answered by one row. Django compiles another query for it. A Query of somebody's own
    # may answer in its own way.

    def get_count(self, using: str) -> int:
        if self.refusal:
            return super().get_count(using)

        def count() -> dict[str, Any]:
            return Query.get_aggregation(self.clone(), using, {COUNT: Count("*")})

        told, found = answer(self, using, "count", {}, count)
        values: dict[str, Any] = (told.values() or count()) if told else found
        return int(values[COUNT])

    def get_aggregation(self, using: str, aggregate_exprs: dict[str, Any]) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            return super(CachedQuery, self).get_aggregation(using, aggregate_exprs)

        if self.refusal:
            return ask()
        told, found = answer(self, using, "aggregate", aggregate_exprs, ask)
        values: dict[str, Any] = (told.values() or ask()) if told else found
        return values

    def known_aggregates(self, using: str, named: dict[str, Any]) -> dict[str, Any] | None:
        """What get_aggregation() gives, where that is known; of a settled query."""
        found = None if self.refusal else known(name_of(self, using, "aggregate", named))
        return found.values() if found else None

    def has_results(self, using: str) -> bool:
        if self.refusal:
            return super().has_results(using)
        told, found = answer(self, using, "exists", {}, lambda: Query.has_results(self, using))
        return told.is_any() if told else bool(found)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "plan": Plan(), "mark": (), "sought": None, "settled": False, "told": None}

    def __reduce__(self) -> Any:
        return _revive, (self.uncached,), self.__getstate__()

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        if connection is not None or not elide_empty or self.refusal:
            compiler = super().get_compiler(using, connection, elide_empty)
            return cached(compiler, self.lifetime, self.refusal)
        told = self.seek(using) if self.sought is None else self.sought
        self.sought = None
        if found := self.plan.recall(using):
            return found
        compiler = cached(super().get_compiler(using, connection, elide_empty), self.lifetime)
        if told:
            compiler.plan = self.plan  # type: ignore[attr-defined]
        return compiler


@cache
def cached_class(kind: Any) -> type[CachedQuery]:
    """What the class of a query is changed to, for cached() and by it.

    Of a Query of somebody's own the results are not cached: what its SQL depends on is not known.
    """
    if kind is Query:
        return CachedQuery
    refusal = f"its query is a {kind.__name__}, which is not Django's own"
    return type(
        f"Cached{kind.__name__}", (CachedQuery, kind), {"uncached": kind, "refusal": refusal}
    )


def _revive(kind: Any) -> Query:
    made = cached_class(kind)
    return made.__new__(made)


def _compiler_of_aggregate(
    query: AggregateQuery,
    using: str | None = None,
    connection: Any = None,
    elide_empty: bool = True,
) -> SQLCompiler:
    compiler = Query.get_compiler(query, using, connection, elide_empty)
    inner = query.inner_query
    if isinstance(inner, CachedQuery):
        return cached(compiler, inner.lifetime, inner.refusal)
    return compiler


# An aggregate over a subquery is one of these, which Django makes by itself inside of
# get_aggregation(). Whether it is cached is told by the query that it asks.
AggregateQuery.get_compiler = _compiler_of_aggregate  # type: ignore[assignment,method-assign]
