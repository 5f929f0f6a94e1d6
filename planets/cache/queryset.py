"""`cached()`: the whole queryset API, with results fetched through the cache.

A cached queryset is an ordinary one whose Query hands out compilers that ask the cache where the
others ask the database: in execute_sql(), after the SQL is compiled and before Django's converters
and iterables run. So what is cached is rows as the driver gave them, and everything that Django
builds on rows (instances, values(), annotations, select_related, deferred fields) is Django's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any, Self, TypeVar, cast

from django.conf import settings
from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import connections, models
from django.db.models.constants import LOOKUP_SEP
from django.db.models.query import Prefetch
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE, MULTI, SINGLE
from django.utils import timezone

from . import aside, sql
from .converters import Converters
from .instances import with_builders
from .plans import Mark, Plan, mark, plans, same
from .rows import Row, SharedRows

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long results are kept: `ttl` seconds (None: the default), or until `expire_at`."""

    ttl: float | None = None
    expire_at: datetime | None = None


class CachedCompiler(SQLCompiler):
    """Mixed into the compiler of a backend."""

    keep: Keep
    plan: Plan | None = None
    one = False  # one row is asked for, as by count() or exists()
    converters: Converters | None = None  # shared by all copies
    rows: Sequence[Row] = ()  # of the last fetch
    found: Mapping[bool, tuple[aside.Lookup, str]] = {}  # by `one`

    def execute_sql(
        self,
        result_type: Any = MULTI,
        chunked_fetch: bool = False,
        chunk_size: int = GET_ITERATOR_CHUNK_SIZE,
    ) -> Any:
        if result_type not in (MULTI, SINGLE):
            return super().execute_sql(result_type, chunked_fetch, chunk_size)
        self.one = one = result_type == SINGLE
        try:
            lookup, doubt = self.found.get(one) or self.compile_once()
        except EmptyResultSet:
            return super().execute_sql(result_type)
        if self.klass_info:
            self.klass_info = with_builders(self.klass_info)
        if chunked_fetch:
            aside.pass_by(lookup, "iterator() streams from the database")
            return super().execute_sql(result_type, chunked_fetch, chunk_size)
        load_rows: Any = super().execute_sql

        def load(wanted: Sequence[str]) -> dict[str, list[Any]]:
            result = load_rows(result_type)
            if one:
                return {wanted[0]: [result] if result else []}
            return {wanted[0]: list(chain.from_iterable(result))}

        self.rows = rows = aside.fetch(lookup, load, doubt)[lookup.keys[0]]
        if one:
            return rows[0] if rows else None
        return [rows]

    def apply_converters(self, rows: Any, converters: Any) -> Any:
        convert = partial(super().apply_converters, rows, converters)
        shared = self.converters and self.converters.are_djangos and not self.one
        if shared and isinstance(self.rows, SharedRows):
            return self.rows.converted(self.converters, convert)
        return convert()

    def get_converters(self, expressions: Any) -> dict[int, Any]:
        if self.converters is None or self.one:  # whose caller brings expressions of its own
            return super().get_converters(expressions)
        return self.converters.of(self.connection, partial(super().get_converters, expressions))

    def compile_once(self) -> tuple[aside.Lookup, str]:
        """Where the result belongs, and why it must not be cached. Raises EmptyResultSet."""
        statement, params = compiled = self.as_sql()
        # What runs on a miss must not compile again.
        self.as_sql = lambda *args, **kwargs: compiled  # type: ignore[method-assign]
        columns = self.col_count if self.one or self.has_extra_select else ""
        lookup, doubt = sql.lookup(
            str(self.using),
            statement,
            params,
            f"{'one' if self.one else 'all'}{columns}",
            self.keep.ttl,
            self.keep.expire_at,
        )
        if self.query.select_for_update:  # which SQLite has no word for
            doubt = "select_for_update() locks rows"
        if self.plan and not doubt:
            self.converters = Converters()
            self.found = {**self.found, self.one: (lookup, doubt)}
            self.plan.remember(self)
        return lookup, doubt


@cache
def _cached_class(compiler: Any) -> type[CachedCompiler]:
    return type(f"Cached{compiler.__name__}", (CachedCompiler, compiler), {})


def _cached(compiler: SQLCompiler, keep: Keep) -> SQLCompiler:
    if not isinstance(compiler, CachedCompiler):
        compiler.__class__ = _cached_class(cast(Any, type(compiler)))
        compiler.keep = keep  # type: ignore[attr-defined]
    return compiler


class CachedQuery(Query):
    """A SELECT whose results go through the cache. As a subquery it is like any other."""

    keep = Keep()
    plan: Plan
    mark: Mark = ()

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
            return _cached(super().get_compiler(using, connection, elide_empty), self.keep)
        self.check()
        told = self.plan.compiler is not None or plans.seek(self, using)
        if found := self.plan.recall(using):
            return found
        compiler = _cached(super().get_compiler(using, connection, elide_empty), self.keep)
        if told:
            compiler.plan = self.plan  # type: ignore[attr-defined]
        return compiler

    def get_aggregation(self, using: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with _cached_aggregates(using, self.keep):
            return super().get_aggregation(using, *args, **kwargs)


@contextmanager
def _cached_aggregates(using: str, keep: Keep) -> Iterator[None]:
    """An aggregate over a subquery is an AggregateQuery, which Django makes by itself inside of
    get_aggregation(). The connection, one per thread, is where it then asks for a compiler."""
    operations = connections[using].ops
    compiler = operations.compiler
    operations.compiler = lambda name: lambda *args: _cached(compiler(name)(*args), keep)  # type: ignore[method-assign,assignment,return-value]
    try:
        yield
    finally:
        del operations.compiler


class CachedPrefetch(Prefetch):
    """prefetch_related("path") whose own queries are cached too, where the manager is ours."""

    def __init__(self, path: str, model: type[models.Model], keep: Keep) -> None:
        super().__init__(path)
        self.model, self.keep = model, keep

    def get_current_querysets(self, level: int) -> list[models.QuerySet[Any]] | None:
        model: Any = self.model
        for part in self.prefetch_through.split(LOOKUP_SEP)[: level + 1]:
            try:
                relation = _relation(model, part)
            except FieldDoesNotExist:
                return None  # a generic or a custom relation: Django's own way, uncached
            forward = relation.concrete and not relation.many_to_many
            model = relation.related_model
        if model is None:
            return None
        queryset = (model._base_manager if forward else model._default_manager).all()
        if isinstance(queryset, CacheAsideQuerySet):
            return [queryset.cached(ttl=self.keep.ttl, expire_at=self.keep.expire_at)]
        return None


def _relation(model: Any, name: str) -> Any:
    """The field behind an attribute of a model: `tags`, or `children` of a foreign key to it."""
    for field in model._meta.get_fields():
        if field.is_relation:
            reverse = field.auto_created and not field.concrete
            if name == (field.get_accessor_name() if reverse else field.name):
                return field
    raise FieldDoesNotExist(name)


class CacheAsideQuerySet(models.QuerySet[M]):
    """A queryset that can be `cached()`."""

    # Seconds that cached() keeps results of this class's queries; None: CACHE_ASIDE["TTL"].
    cache_ttl: float | None = None

    def cached(self, *, ttl: float | None = None, expire_at: datetime | None = None) -> Self:
        """The same queryset, with results fetched through the cache.

        `ttl` is seconds; `expire_at` an exact time. Raises ValueError for nonsense in either.
        """
        if ttl is not None and not ttl > 0:
            raise ValueError(
                f"ttl is {ttl!r}, must be more than 0 seconds; leave it out for the default"
            )
        if expire_at is not None and settings.USE_TZ and timezone.is_naive(expire_at):
            raise ValueError(f"expire_at is {expire_at!r}, must have a time zone when USE_TZ is on")
        if type(self.query) not in (Query, CachedQuery):
            raise TypeError(f"cached() takes an ordinary query, not a {type(self.query).__name__}")
        clone: Any = self._chain()  # type: ignore[attr-defined]
        clone.query.__class__ = CachedQuery
        clone.query.begin()
        clone.query.keep = Keep(ttl if ttl is not None else self.cache_ttl, expire_at)
        return clone

    def uncached(self) -> Self:
        """The same queryset, with results from the database."""
        clone: Any = self._chain()  # type: ignore[attr-defined]
        if self._is_cached:
            clone.query.__class__ = Query
        return clone

    @property
    def _is_cached(self) -> bool:
        return isinstance(self.query, CachedQuery)

    def all(self) -> Self:
        clone: Any = super().all()
        if self._is_cached:
            cast(CachedQuery, self.query).share(clone.query)
        return clone

    def prefetch_related(self, *lookups: Any) -> Self:
        if self._is_cached:
            keep = cast(CachedQuery, self.query).keep
            prefetch: Any = CachedPrefetch  # the stubs' plugin fails on a Prefetch of another shape
            lookups = tuple(
                prefetch(lookup, self.model, keep) if isinstance(lookup, str) else lookup
                for lookup in lookups
            )
        return super().prefetch_related(*lookups)

    # What reads in order to write must read the database.

    def delete(self) -> tuple[int, dict[str, int]]:
        if self._is_cached:
            return self.uncached().delete()
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def get_or_create(self, *args: Any, **kwargs: Any) -> tuple[M, bool]:
        if self._is_cached:
            return self.uncached().get_or_create(*args, **kwargs)
        return super().get_or_create(*args, **kwargs)

    def update_or_create(self, *args: Any, **kwargs: Any) -> tuple[M, bool]:
        if self._is_cached:
            return self.uncached().update_or_create(*args, **kwargs)
        return super().update_or_create(*args, **kwargs)


CacheAsideManager = models.Manager.from_queryset(CacheAsideQuerySet)
