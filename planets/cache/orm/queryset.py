"""`cached()`: the whole queryset API, with results fetched through the cache.

A cached queryset is an ordinary one whose Query hands out compilers that ask the cache (query,
compiler).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Any, Self, TypeVar, cast

from django.db import models
from django.db.models.sql import Query

from ..reading.late import late
from .compiler import Lifetime
from .query import CachedQuery, cached_class
from .stepped import SteppedQuerySet, a_step

M = TypeVar("M", bound=models.Model)

# What uncached() notes on a query; its clones have it, too.
STAYS_UNCACHED = "cache_aside_stays_uncached"

# How long what a cached queryset's prefetch_related() asks for is kept, while Django asks it.
_prefetching: ContextVar[Lifetime | None] = ContextVar("cache_aside_prefetching", default=None)

# Whether a queryset is about to write. Its mark stays when it has written; then it may be cached.
_writing: ContextVar[bool] = ContextVar("cache_aside_writing", default=False)


class CacheAsideQuerySet(SteppedQuerySet[M]):
    """A queryset that can be `cached()`."""

    @a_step
    def cached(
        self,
        *,
        ttl: float | None = None,
        expire_at: datetime | None = None,
        max_stale: float = 0,
        stale_if_error: float = 0,
        second_sight: bool = False,
    ) -> Self:
        """The same queryset, with results fetched through the cache.

        `ttl` is seconds; `expire_at` an exact time. Late on purpose are `max_stale`, which accepts
        what was filled at most so many seconds ago whatever was written since, and
        `stale_if_error`, which does where the database is away. `second_sight`: what anybody can
        vary without end, as a search, is kept where it is asked for again. Raises ValueError for
        nonsense.
        """
        lateness = late(max_stale, stale_if_error)
        ttl = ttl if ttl is not None else self.cache_ttl
        lifetime = Lifetime(ttl, expire_at, lateness, second_sight)
        clone: Any = self._chain()  # type: ignore[attr-defined]
        if not self._is_cached:
            clone.query.__class__ = cached_class(cast(Any, type(self.query)))
        vars(clone.query).pop(STAYS_UNCACHED, None)
        clone.query.become(lifetime)
        return clone

    @a_step
    def uncached(self) -> Self:
        """The same queryset, with results from the database."""
        clone: Any = self._chain()  # type: ignore[attr-defined]
        if self._is_cached:
            clone.query.__class__ = clone.query.uncached
        setattr(clone.query, STAYS_UNCACHED, True)
        return clone

    @property
    def _is_cached(self) -> bool:
        return isinstance(self._query, CachedQuery)

    def all(self) -> Self:
        clone: Any = super().all()
        if self._is_cached and clone._step is None:
            cast(CachedQuery, self.query).share(clone.query)
        return cast(Self, clone)

    # Django walks along the lookups of prefetch_related(); what it asks meanwhile is fetched, too.

    def _prefetch_related_objects(self) -> None:
        lifetime = cast(CachedQuery, self._query).lifetime if self._is_cached else None
        token = _prefetching.set(lifetime)
        try:
            super()._prefetch_related_objects()  # type: ignore[misc]
        finally:
            _prefetching.reset(token)

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            step = self._step
            if step and not (self._known_related_objects or _writing.get()):  # type: ignore[attr-defined]
                self._result_cache = step.results(self.db, self._iterable_class)
                if self._result_cache is None:
                    self._step, self._query = None, step.query_to_ask()
        if self._result_cache is None:
            if self._is_cached and self._for_write and _writing.get():  # type: ignore[attr-defined]
                self._query = self.query.chain(cast(CachedQuery, self.query).uncached)
            elif (lifetime := _prefetching.get()) and type(self.query) is Query:
                self._prefetch(lifetime)
            cached = isinstance(self.query, CachedQuery)
            if cached and not self._known_related_objects:  # type: ignore[attr-defined]
                query: Any = self.query
                self._result_cache = query.results(self.db, self._iterable_class)
        super()._fetch_all()

    def _prefetch(self, lifetime: Lifetime) -> None:
        """Be cached, as the queryset that this is asked for; unless it stays uncached."""
        if not hasattr(self.query, STAYS_UNCACHED):
            ttl = lifetime.ttl if lifetime.ttl is not None else self.cache_ttl
            query: Any = self.query.chain(CachedQuery)
            query.become(replace(lifetime, ttl=ttl))
            self._query = query  # to set `query` would make of values_list() a values()

    # What reads in order to write must read the database. Django marks the querysets that do.

    def delete(self) -> tuple[int, dict[str, int]]:
        with _to_write():
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def get_or_create(self, *args: Any, **kwargs: Any) -> tuple[M, bool]:
        with _to_write():
            return super().get_or_create(*args, **kwargs)

    def update_or_create(self, *args: Any, **kwargs: Any) -> tuple[M, bool]:
        with _to_write():
            return super().update_or_create(*args, **kwargs)


@contextmanager
def _to_write() -> Iterator[None]:
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


CacheAsideManager = models.Manager.from_queryset(CacheAsideQuerySet)
