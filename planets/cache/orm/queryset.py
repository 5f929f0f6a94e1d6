"""`cached()`: the whole queryset API, with results fetched through the cache.

A cached queryset is an ordinary one whose Query hands out compilers that ask the cache (query,
compiler).
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Any, Self, TypeVar, cast

from django.db import models
from django.db.models.sql import Query

from .compiler import Lifetime
from .query import CachedQuery

M = TypeVar("M", bound=models.Model)

# What uncached() notes on a query; its clones have it, too.
STAYS_UNCACHED = "cache_aside_stays_uncached"

# How long what a cached queryset's prefetch_related() asks for is kept, while Django asks it.
_prefetching: ContextVar[Lifetime | None] = ContextVar("cache_aside_prefetching", default=None)


class CacheAsideQuerySet(models.QuerySet[M]):
    """A queryset that can be `cached()`."""

    # Seconds that cached() keeps results of this class's queries; None: CACHE_ASIDE["TTL"].
    cache_ttl: float | None = None

    def cached(self, *, ttl: float | None = None, expire_at: datetime | None = None) -> Self:
        """The same queryset, with results fetched through the cache.

        `ttl` is seconds; `expire_at` an exact time. Raises ValueError for nonsense in either.
        """
        lifetime = Lifetime(ttl if ttl is not None else self.cache_ttl, expire_at)
        if type(self.query) not in (Query, CachedQuery):
            raise TypeError(f"cached() takes an ordinary query, not a {type(self.query).__name__}")
        clone: Any = self._chain()  # type: ignore[attr-defined]
        clone.query.__class__ = CachedQuery
        vars(clone.query).pop(STAYS_UNCACHED, None)
        clone.query.become(lifetime)
        return clone

    def uncached(self) -> Self:
        """The same queryset, with results from the database."""
        clone: Any = self._chain()  # type: ignore[attr-defined]
        if self._is_cached:
            clone.query.__class__ = Query
        setattr(clone.query, STAYS_UNCACHED, True)
        return clone

    @property
    def _is_cached(self) -> bool:
        return isinstance(self.query, CachedQuery)

    def all(self) -> Self:
        clone: Any = super().all()
        if self._is_cached:
            cast(CachedQuery, self.query).share(clone.query)
        return clone

    # Django walks along the lookups of prefetch_related(); what it asks meanwhile is fetched, too.

    def _prefetch_related_objects(self) -> None:
        lifetime = cast(CachedQuery, self.query).lifetime if self._is_cached else None
        token = _prefetching.set(lifetime)
        try:
            super()._prefetch_related_objects()  # type: ignore[misc]
        finally:
            _prefetching.reset(token)

    def _fetch_all(self) -> None:
        lifetime = _prefetching.get()
        ordinary = type(self.query) is Query and not hasattr(self.query, STAYS_UNCACHED)
        if lifetime and ordinary and self._result_cache is None:
            ttl = lifetime.ttl if lifetime.ttl is not None else self.cache_ttl
            query: Any = self.query.chain(CachedQuery)
            query.become(Lifetime(ttl, lifetime.expire_at))
            self.query = query
        super()._fetch_all()

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
