"""The QuerySet that takes the place of Django's: born cached, and judged at each read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import manager
from django.db.models.sql import Query

from planets.cache.orm import steps
from planets.cache.orm.compiler import Lifetime
from planets.cache.orm.query import cached_class
from planets.cache.orm.queryset import CacheAsideQuerySet, _writing
from planets.cache.orm.steps import step_of

from .reads import judge, way

DJANGOS = models.QuerySet


class JudgedQuerySet(CacheAsideQuerySet[Any]):
    def __init__(
        self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None
    ) -> None:
        super().__init__(model, query, using, hints)
        if (step := step_of(self)) is not None:
            vars(self).update(vars(steps.take(step, _born_cached, (), {})))
        elif query is None and model is not None and type(self.query) is Query:
            _become_cached(self.query)

    def _is_judged(self) -> bool:
        """Whether it is about to ask, and for itself."""
        writes = self._for_write and _writing.get()
        return self._is_cached and self._result_cache is None and way.get() is None and not writes

    def _fetch_all(self) -> None:
        if not self._is_judged():
            if way.get() == "plain" and self._result_cache is None:
                self._be_plain()
            super()._fetch_all()
            return
        read = judge(self, _fetched, _plain)
        self._result_cache, self._prefetch_done = read._result_cache, read._prefetch_done

    def _iterator(self, use_chunked_fetch: Any, chunk_size: Any) -> Iterator[Any]:
        def read(queryset: Any) -> list[Any]:
            return list(super()._iterator(use_chunked_fetch, chunk_size))

        judged = way.get() is None and self._is_cached
        if way.get() == "plain":
            self._be_plain()
        yield from judge(self, read, _plain) if judged else read(self)

    def count(self) -> Any:
        return self._one("count")

    def exists(self) -> Any:
        return self._one("exists")

    def aggregate(self, *args: Any, **kwargs: Any) -> Any:
        return self._one("aggregate", *args, **kwargs)

    def _one(self, name: str, *args: Any, **kwargs: Any) -> Any:
        def read(queryset: Any) -> Any:
            return getattr(super(), name)(*args, **kwargs)

        if self._is_judged():
            return judge(self, read, _plain)
        if way.get() == "plain":
            self._be_plain()
        return read(self)

    def _be_plain(self) -> None:
        if self._is_cached:
            # To set `query` would make of values_list() a values().
            self._query = self.query.chain(self.query.uncached)


def _become_cached(query: Any) -> None:
    query.__class__ = cached_class(Query)
    query.become(Lifetime())


def _born_cached(queryset: Any) -> Any:
    born = queryset._chain()
    _become_cached(born.query)
    return born


class EachAtFirstSight:
    """In the place of what remembers which steps came once: all are kept, that all be judged."""

    def again(self, name: int, value: bool) -> bool:
        return True

    def clear(self) -> None:
        """There is nothing to forget."""


def _plain(queryset: Any) -> Any:
    queryset._be_plain()
    return queryset


def _fetched(queryset: Any) -> Any:
    """The queryset, with what it holds. As a result, it is compared by that."""
    JudgedQuerySet._fetch_all(queryset)
    return queryset


def install() -> None:
    """Put it everywhere where Django's stands. Before any model is made."""
    JudgedQuerySet.__name__ = JudgedQuerySet.__qualname__ = "QuerySet"
    JudgedQuerySet.__module__ = DJANGOS.__module__  # where pickle looks for it
    for module in list(sys.modules.values()):
        if vars(module).get("QuerySet") is DJANGOS and module.__name__.startswith("django."):
            module.QuerySet = JudgedQuerySet
    manager.Manager._queryset_class = JudgedQuerySet
    steps._seen = EachAtFirstSight()  # type: ignore[assignment]
