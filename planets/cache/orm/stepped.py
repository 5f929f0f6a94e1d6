"""A queryset that is built by steps: see steps.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self, TypeVar, cast, overload

from django.db import models
from django.db.models import QuerySet
from django.db.models.query import MAX_GET_RESULTS

from . import steps
from .steps import Step, step_of

M = TypeVar("M", bound=models.Model)
F = TypeVar("F", bound=Callable[..., Any])

# What depends on nothing but the queryset and the arguments, and gives another queryset.
STEPS = (
    *("filter", "exclude", "order_by", "reverse", "distinct", "select_related"),
    *("prefetch_related", "values", "values_list", "only", "defer", "using", "annotate", "alias"),
)


def a_step(call: F) -> F:
    """Declare that a method makes another queryset of this one and its arguments alone."""

    @wraps(call)
    def follow(self: Any, *args: Any, **kwargs: Any) -> Any:
        if (step := step_of(self)) is None:
            return call(self, *args, **kwargs)
        return steps.take(step, call, args, kwargs)

    return cast(F, follow)


class SteppedQuerySet(QuerySet[M]):
    """Django's own, but for what need not be done twice."""

    # Seconds that cached() keeps results of this class's queries; None: CACHE_ASIDE["TTL"].
    cache_ttl: float | None = None

    _step: Step | None = None

    def __init__(
        self, model: Any = None, query: Any = None, using: str | None = None, hints: Any = None
    ) -> None:
        begin = (
            None
            if query is not None or hints or model is None
            else steps.first(type(self), model, using)
        )
        if begin is None:
            super().__init__(model, query, using, hints)
        else:
            vars(self).update(begin.here())

    @property
    def query(self) -> Any:
        """Its own, which may be changed: so it is at no step any more."""
        if (step := self._step) is not None:
            self._step = None
            this: Any = self
            if this._query is step.query:
                this._query = step.own_query()
        return _query_of(self)

    @query.setter
    def query(self, value: Any) -> None:
        self._step = None
        QuerySet.query.fset(self, value)  # type: ignore[attr-defined]

    def all(self) -> Self:
        step = step_of(self)
        return super().all() if step is None else cast(Self, step.queryset())

    @overload
    def __getitem__(self, k: int) -> M: ...
    @overload
    def __getitem__(self, k: slice) -> Self: ...
    def __getitem__(self, k: Any) -> Any:
        step = step_of(self)
        if step is None:
            return super().__getitem__(k)
        if isinstance(k, slice) and k.step is None:
            return steps.take(step, _cut, (k.start, k.stop), {})
        return QuerySet.__getitem__(step.reader(), k)

    # What asks, and changes nothing.

    @property
    def ordered(self) -> bool:
        return _ordered_of(self._reader())

    def count(self) -> int:
        return QuerySet.count(self._reader())

    def exists(self) -> bool:
        return QuerySet.exists(self._reader())

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        step = step_of(self)
        if step is not None and (found := step.aggregates(self.db, args, kwargs)) is not None:
            return found
        return super().aggregate(*args, **kwargs)

    def _check_ordering_first_last_queryset_aggregation(self, method: str) -> None:
        _check_ordering(self._reader(), method)

    def _reader(self) -> Any:
        step = step_of(self)
        return self if step is None else step.reader()

    def get(self, *args: Any, **kwargs: Any) -> M:
        if (step := step_of(self)) is None or not _is_limited(step.query):
            return super().get(*args, **kwargs)
        found: list[M] = list(steps.take(step, _to_get, args, kwargs))
        if len(found) == 1:
            return found[0]
        model: Any = self.model
        name = model._meta.object_name
        if not found:
            raise model.DoesNotExist(f"{name} matching query does not exist.")
        number = len(found) if len(found) < MAX_GET_RESULTS else f"more than {MAX_GET_RESULTS - 1}"
        raise model.MultipleObjectsReturned(
            f"get() returned more than one {name} -- it returned {number}!"
        )


for _name in STEPS:
    setattr(SteppedQuerySet, _name, a_step(getattr(QuerySet, _name)))

for _name in ("all", "get", "count", "exists", "aggregate"):
    getattr(SteppedQuerySet, _name).__doc__ = getattr(QuerySet, _name).__doc__

_query_of = cast(Any, QuerySet.query).fget
_check_ordering = cast(Any, QuerySet)._check_ordering_first_last_queryset_aggregation
_ordered_of = cast(Any, QuerySet.ordered).fget


def _is_limited(query: Any) -> bool:
    """Whether get() asks for no more than it needs, in no order: as it does, but for the odd."""
    odd = query.combinator or query.select_for_update or query.distinct_fields or query.is_sliced
    return not odd


def _to_get(queryset: Any, *args: Any, **kwargs: Any) -> Any:
    """What Django's get() asks for."""
    clone = queryset.filter(*args, **kwargs).order_by()
    clone.query.set_limits(high=MAX_GET_RESULTS)
    return clone


def _cut(queryset: Any, start: Any, stop: Any) -> Any:
    return QuerySet.__getitem__(queryset, slice(start, stop))
