"""Reads by name: a method of a queryset that is built once for the same arguments.

    class BookQuerySet(CacheAsideQuerySet):
        @named
        def listed(self, *, sort="title"):
            return self.cached().order_by(sort)

`Book.objects.listed(sort="year")` then gives another queryset at the step that the first one came
to (steps.py), and the method is not called. It says that the method depends on its queryset, its
arguments and the settings alone. What a step could not stand for is built anew: a call on a
relation's queryset, arguments that are not plain values, a query without fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum
from functools import wraps
from typing import Any, TypeVar, cast

from ..recent import Recent
from . import steps
from .steps import Step

F = TypeVar("F", bound=Callable[..., Any])

MAX_KEPT = 512  # of each method; with a visitor's text among the arguments there is no end
PLAIN = (str, int, bool, type(None))


def named(method: F) -> F:
    """Declare that a method builds the same queryset whenever it is given the same arguments."""
    kept = Recent[Hashable, Step](MAX_KEPT)

    @wraps(method)
    def read(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = _name(self, args, kwargs)
        if name is None:
            return method(self, *args, **kwargs)
        if (found := kept.get(name)) is not None:
            return found.queryset()
        built = method(self, *args, **kwargs)
        if type(built) is type(self) and (step := steps.kept(built.all())) is not None:
            kept.put(name, step)
        return built

    return cast(F, read)


def _name(queryset: Any, args: Any, kwargs: dict[str, Any]) -> Hashable | None:
    """What must be the same; None where something is not plain."""
    values = (*args, *kwargs.values())
    if not all(type(v) in PLAIN or (isinstance(v, str) and isinstance(v, Enum)) for v in values):
        return None
    step = steps.step_of(queryset)
    if step is None:
        return None
    told = tuple([(type(value), value) for value in values])  # True is equal to 1
    return step, told, tuple(kwargs)
