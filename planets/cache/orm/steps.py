"""Querysets that are built again by the same steps: a view's, for each request.

A step is what a queryset has become by a call of filter(), order_by() or another of such methods.
It keeps the query, which nobody changes from then on. The same call on the same step, with
arguments of the same types and values, leads to the same queryset, and Django need not build it
again: whoever takes the step is given another queryset at the same place. One that is asked for
its `query` gets a query of its own, and is at no step any more.

A step is kept at second sight, for most arguments that a visitor brings never come again, and only
where the query that it leads to has a fingerprint: then nothing that took part in building it
depends on who asks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, cast

from django.core.signals import setting_changed
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.where import WhereNode

from ..reading.plain import OF_ANY_CLASS
from ..recent import Recent
from .era import era
from .fingerprint import fingerprint, fingerprint_of
from .query import CachedQuery

MAX_STEPS = 2048  # of all querysets, each with its query and plan, some 16 kB
MAX_SEEN = 8192  # steps that came once

OURS = (f"{__package__}.", "django.", "typing", "builtins")  # modules


class Step:
    """A place that querysets come to: what each of them has there."""

    __slots__ = ("kind", "query", "state")

    def __init__(self, queryset: Any) -> None:
        self.kind: Any = type(queryset)
        self.query: Any = queryset._query
        self.state = {**vars(queryset), "_step": self}
        if isinstance(self.query, CachedQuery):
            self.query.settled = True

    def __deepcopy__(self, memo: Any) -> None:
        """A copy of a queryset has a query of its own."""

    def __reduce__(self) -> Any:
        return type(None), ()

    def here(self) -> dict[str, Any]:
        """What another queryset has that is here."""
        # Django changes these two in place.
        return {**self.state, "_hints": {}, "_known_related_objects": {}}

    def queryset(self) -> Any:
        """Another queryset that is here."""
        return self._made(self.here())

    def reader(self) -> Any:
        """One that Django may read and copy from, and must not change: its query is everybody's."""
        return self._made({**self.state, "_step": None})

    def _made(self, state: dict[str, Any]) -> Any:
        made = object.__new__(self.kind)
        made.__dict__ = state
        return made

    def own_query(self) -> Any:
        """A query that its queryset may change, down to the lookups, which clone() shares."""
        clone = self.query.clone()
        clone.where = _with_own_lookups(clone.where)
        return clone

    def query_to_ask(self) -> Any:
        """One that nobody will change before it is compiled, so that the plan is everybody's."""
        clone = self.query.clone()
        if isinstance(self.query, CachedQuery):
            self.query.share(clone)
        return clone

    def results(self, using: str, iterable: type) -> list[Any] | None:
        """What it gives, where its plan is known."""
        if not isinstance(self.query, CachedQuery):
            return None
        return self.query.plan.results(using, iterable)

    def aggregates(self, using: str, args: Any, kwargs: Any) -> dict[str, Any] | None:
        """What aggregate() gives, where that is known."""
        if not isinstance(self.query, CachedQuery):
            return None
        try:
            named = {**kwargs, **{expression.default_alias: expression for expression in args}}
        except (AttributeError, TypeError):
            return None  # Django says why not
        return self.query.known_aggregates(using, named)


_steps: Recent[Hashable, Step] = Recent(MAX_STEPS)
_seen: Recent[int, bool] = Recent(MAX_SEEN)


def first(kind: Any, model: Any, using: str | None) -> Step | None:
    """Where all querysets of a class begin; None for a class that builds in its own way."""
    name = kind, model, using, kind.cache_ttl, era.number
    found = _steps.get(name)
    if found is None and _builds_as_djangos(kind):
        queryset = object.__new__(kind)
        QuerySet.__init__(queryset, model, Query(model), using)
        found = Step(queryset)
        _steps.put(name, found)
    return found


@cache
def _builds_as_djangos(kind: Any) -> bool:
    """Whether nothing of Django's is overridden: what calls what within it is Django's business."""
    return not any(
        hasattr(QuerySet, name) and name not in OF_ANY_CLASS
        for part in kind.__mro__
        if not part.__module__.startswith(OURS)
        for name in vars(part)
    )


def _with_own_lookups(where: WhereNode) -> WhereNode:
    copied: Any = where.clone()
    copied.children = [
        _with_own_lookups(child) if isinstance(child, WhereNode) else copy.copy(child)
        for child in copied.children
    ]
    return cast(WhereNode, copied)


def step_of(queryset: Any) -> Step | None:
    """The step that a queryset is at; None where it is at none, or has left it."""
    step = cast("Step | None", queryset._step)
    return step if step is not None and vars(queryset) == step.state else None


def take(step: Step, call: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    """The queryset that a call of Django's leads to from here."""
    told = fingerprint_of(kwargs, args)
    if told is None:
        return call(step.reader(), *args, **kwargs)
    name = step, call, told
    if (found := _steps.get(name)) is not None:
        return found.queryset()
    made = call(step.reader(), *args, **kwargs)
    if _seen.again(hash(name), True) and (found := kept(made)) is not None:
        _steps.put(name, found)
        return found.queryset()
    return made


def kept(made: Any) -> Step | None:
    """A step to where a queryset is, which is nobody else's; None where there must be none."""
    query = vars(made).get("_query")
    if type(query) not in (Query, CachedQuery) or made._result_cache is not None:
        return None
    if made._deferred_filter or made._known_related_objects or made._hints or made._for_write:
        return None
    return Step(made) if fingerprint(query) is not None else None


def clear(**kwargs: Any) -> None:
    """Receiver of `setting_changed`: a time zone, for one, is part of what was built."""
    _steps.clear()
    _seen.clear()


setting_changed.connect(clear)
