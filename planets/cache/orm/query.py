"""The Query of a cached queryset: an ordinary one that hands out compilers which ask the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

from django.db import connections
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from .compiler import Lifetime, cached
from .plans import Mark, Plan, mark, plans, same


class CachedQuery(Query):
    """A SELECT whose results go through the cache. As a subquery it is like any other."""

    lifetime = Lifetime()
    plan: Plan
    mark: Mark = ()

    def become(self, lifetime: Lifetime) -> None:
        """What the class of an ordinary query is changed to this one for."""
        self.lifetime = lifetime
        self.begin()

    def begin(self) -> None:
        """A plan of its own."""
        self.plan, self.mark = Plan(), ()

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

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "plan": Plan(), "mark": ()}

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        if connection is not None or not elide_empty:
            return cached(super().get_compiler(using, connection, elide_empty), self.lifetime)
        self.check()
        told = self.plan.compiler is not None or plans.seek(self, using)
        if found := self.plan.recall(using):
            return found
        compiler = cached(super().get_compiler(using, connection, elide_empty), self.lifetime)
        if told:
            compiler.plan = self.plan  # type: ignore[attr-defined]
        return compiler

    def get_aggregation(self, using: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with _cached_aggregates(using, self.lifetime):
            return super().get_aggregation(using, *args, **kwargs)


@contextmanager
def _cached_aggregates(using: str, lifetime: Lifetime) -> Iterator[None]:
    """An aggregate over a subquery is an AggregateQuery, which Django makes by itself inside of
    get_aggregation(). The connection, one per thread, is where it then asks for a compiler."""
    operations = connections[using].ops
    compiler = operations.compiler
    operations.compiler = lambda name: lambda *args: cached(compiler(name)(*args), lifetime)  # type: ignore[method-assign,assignment,return-value]
    try:
        yield
    finally:
        del operations.compiler
