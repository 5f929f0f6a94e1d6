"""`remember`: a function's result, kept until something that it was computed from is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import CO_COROUTINE, unwrap
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, overload

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from .reading import computed, tree
from .reading.computed import made_by
from .reading.computed_format import Made
from .reading.computed_shelf import ComputedShelf
from .reading.copies import value_of
from .reading.dependencies import Tracker
from .reading.envelope import Undecodable, Unencodable
from .reading.late import PUNCTUAL, Late, late
from .reading.lookup import Lookup, check_ttl
from .release import surroundings
from .storage import keys

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


class Lifetime(NamedTuple):
    """How long a value is kept, and how late it may be."""

    ttl: float | None = None
    late: Late = PUNCTUAL


USUAL = Lifetime()


# The near tier keeps bytes, and each caller gets a value of its own to change.
SHELF = ComputedShelf("value", encode=bytes, decode=bytes)


@overload
def remember(function: F, /) -> F: ...
@overload
def remember(
    *, ttl: float | None = None, max_stale: float = 0, stale_if_error: float = 0
) -> Callable[[F], F]: ...
@overload
def remember(
    name: str,
    make: Callable[[], R],
    /,
    *,
    vary: Sequence[Any] = (),
    ttl: float | None = None,
    max_stale: float = 0,
    stale_if_error: float = 0,
) -> R: ...


def remember(
    what: Any = None,
    make: Callable[[], Any] | None = None,
    /,
    *,
    vary: Sequence[Any] = (),
    ttl: float | None = None,
    max_stale: float = 0,
    stale_if_error: float = 0,
) -> Any:
    """Keep what a function returns; fetch it from then on while nothing that it read is written.

        @remember                       @remember(ttl=60)
        def heaviest(kind): ...         async def totals(): ...

        totals = remember("totals", compute_totals, vary=(year,))

    As a decorator its key is the function's name and its arguments; as a call it is `name` and
    `vary`, which must hold whatever else the result depends on. Both must be numbers, texts, dates
    or tuples of such: TypeError. So it raises for a function that its name does not tell from
    others: a lambda, a bound method, one that uses variables of a function around it.

    Sync and async. The result may be of plain types: numbers, texts, dates, lists, tuples, sets,
    dicts, dataclasses; of any other it is returned and not stored, and the event says so. `ttl` is
    seconds, None: CACHE_ASIDE's; `max_stale` and `stale_if_error` are those of cached().
    """
    lifetime = USUAL
    if ttl is not None or max_stale or stale_if_error:
        check_ttl(ttl)
        lifetime = Lifetime(ttl, late(max_stale, stale_if_error))
    if isinstance(what, str):
        if make is None:
            raise TypeError(f"remember({what!r}) needs what makes the value: a function")
        return _fetch(_lookup(what, tuple(vary), lifetime), make, _awaits(make))
    if what is None:
        return lambda function: _decorated(function, lifetime)
    return _decorated(what, lifetime)


def _decorated(function: Any, lifetime: Lifetime) -> Any:
    if not callable(function):
        raise TypeError(f"remember() takes a function, or a name and a function, not {function!r}")
    if reason := _unnameable(function):
        raise TypeError(f"remember() cannot tell {function!r} from others: {reason}")
    name, awaits = f"{function.__module__}.{function.__qualname__}", iscoroutinefunction(function)

    @wraps(function)
    def remembered(*args: Any, **kwargs: Any) -> Any:
        lookup = _lookup(name, (args, tuple(sorted(kwargs.items()))), lifetime)
        return _fetch(lookup, lambda: function(*args, **kwargs), awaits)

    return markcoroutinefunction(remembered) if awaits else remembered


def _unnameable(function: Any) -> str:
    """Why its name and arguments do not say what it returns; "" where they do."""
    inner = unwrap(function)
    if not hasattr(inner, "__code__") or hasattr(inner, "__self__"):
        return "it is no plain function; give the call a name, as remember(name, function, vary=)"
    if inner.__name__ == "<lambda>":
        return "it has no name; give it one, as remember(name, lambda: ...)"
    if free := [name for name in inner.__code__.co_freevars if name != "__class__"]:
        return f"it uses {', '.join(free)} of the function around it; make that an argument"
    return ""


def _lookup(name: str, parts: tuple[Any, ...], lifetime: Lifetime) -> Lookup:
    key = keys.computed("value", surroundings(), name, parts)
    return computed.lookup_of(SHELF, key, name, *lifetime)


def _awaits(make: Any) -> bool:
    """Whether what it returns must be awaited."""
    if type(make) is FunctionType and not make.__dict__:  # nothing but its code can say so
        return bool(make.__code__.co_flags & CO_COROUTINE)
    return iscoroutinefunction(make)


def _fetch(lookup: Lookup, make: Callable[[], Any], awaits: bool) -> Any:
    if awaits:
        return _afetch(lookup, make)
    value: list[Any] = []

    def kept(heard: Tracker) -> Made:
        value.append(make())
        return _made(heard, value[0])

    data = computed.fetch(lookup, kept)
    try:
        return value[0] if value else value_of(data)
    except Undecodable:  # a dataclass that this process has not imported yet, for instance
        return make()


async def _afetch(lookup: Lookup, make: Callable[[], Any]) -> Any:
    value: list[Any] = []

    async def kept(heard: Tracker) -> Made:
        value.append(await make())
        return _made(heard, value[0])

    data = await computed.afetch(lookup, kept)
    try:
        return value[0] if value else value_of(data)
    except Undecodable:
        return await make()


def _made(heard: Tracker, value: Any) -> Made:
    try:
        return made_by(heard, tree.encode(value))
    except Unencodable as error:
        return made_by(heard, b"", refusal=f"not stored: {error}")
