"""`cached_page`: which views are cached, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, overload

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from ..conf import conf
from ..reading.late import PUNCTUAL, Late, late
from ..reading.lookup import check_ttl
from .personal import begins

View = TypeVar("View", bound=Callable[..., Any])

POLICY = "cache_aside_policy"  # the attribute of a marked view


ABSENT = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the pages of one view are cached. Times are seconds, None: CACHE_ASIDE's TTL."""

    ttl: float | None = None
    vary: tuple[str, ...] = ()  # request headers that the page depends on, in lower case
    second_sight: bool = False  # kept where it is asked for again
    query: frozenset[str] = frozenset()  # parameters of the address that it depends on
    late: Late = PUNCTUAL
    # Statuses that are stored, each with a TTL of its own or None.
    statuses: Mapping[int, float | None] = field(default_factory=lambda: {int(HTTPStatus.OK): None})

    def ttl_of(self, status: int) -> float | None:
        """The TTL of a page of this status, where it is not the view's."""
        own = self.statuses[status]
        if own is None and status in ABSENT:
            return min(conf().ABSENT_TTL, self.ttl or conf().TTL)
        return own


@overload
def cached_page(view: View, /) -> View: ...
@overload
def cached_page(
    *,
    ttl: float | None = None,
    vary: Iterable[str] = (),
    query: Iterable[str] = (),
    statuses: Mapping[int, float | None] | None = None,
    max_stale: float = 0,
    stale_if_error: float = 0,
    second_sight: bool = False,
) -> Callable[[View], View]: ...


def cached_page(
    view: Any = None,
    /,
    *,
    ttl: float | None = None,
    vary: Iterable[str] = (),
    query: Iterable[str] = (),
    statuses: Mapping[int, float | None] | None = None,
    max_stale: float = 0,
    stale_if_error: float = 0,
    second_sight: bool = False,
) -> Any:
    """Cache the pages of a view: a function, sync or async, or what as_view() returns.

    `ttl` bounds in seconds what no write of Django's tells; `vary` names the request headers, and
    `query` the parameters of the address, that the page depends on: an address with another one is
    not cached. `statuses` are stored, 200 alone by default; each may have a TTL of its own, as
    {200: None, 404: 30}, else a 404 has ABSENT_TTL. Others than 200 are stored from the second time
    on that a process is asked for one: there may be no end of them. `second_sight` says so of all.

    Late on purpose: `max_stale` accepts a page that was made at most so many seconds ago whatever
    was written since; `stale_if_error` does where the database is away, that is, where the view
    raises that or answers 503. Needs PageCacheMiddleware. Raises ValueError, TypeError.
    """
    check_ttl(ttl)
    for name, given in (("vary", vary), ("query", query)):
        if isinstance(given, str):
            raise TypeError(f"{name} is {given!r}, must be a list of names, as ({given!r},)")
    policy = Policy(
        ttl=ttl,
        vary=tuple(sorted(header.lower() for header in vary)),
        query=frozenset(query),
        late=late(max_stale, stale_if_error),
        second_sight=second_sight,
        statuses=dict(statuses or {int(HTTPStatus.OK): None}),
    )

    def mark(view: Any) -> Any:
        if not callable(view) or isinstance(view, type):
            raise TypeError(f"cached_page() takes a view, not {view!r}; of a class: its as_view()")

        @wraps(view)
        def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            begins(request)
            return view(request, *args, **kwargs)

        if iscoroutinefunction(view):
            markcoroutinefunction(marked)
        setattr(marked, POLICY, policy)
        return marked

    return mark if view is None else mark(view)


def policy_of(view: Any) -> Policy | None:
    """How the pages of a view are cached; None where they are not."""
    found: Policy | None = getattr(view, POLICY, None)
    return found
