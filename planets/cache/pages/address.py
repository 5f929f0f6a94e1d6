"""What tells one page from every other: its address, and all else that it may depend on."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest

from ..release import Surroundings, surroundings
from ..storage import keys
from .marking import Policy

MAX_QUERY = 2_000  # characters of a query string; a longer one is nobody's link


def uncacheable(request: HttpRequest, policy: Policy) -> str:
    """Why a request can have no cached page; "" where it can."""
    if request.method not in ("GET", "HEAD"):
        return f"its method is {request.method}"
    if "HTTP_AUTHORIZATION" in request.META:
        return "it has an Authorization header"
    # What a view makes of these is the sender's own, and in no key.
    if request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
        return "it has a body"
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return "it has a body"
    if request.META.get("CONTENT_TYPE") not in (None, "", "text/plain"):
        return "it has a Content-Type"
    query = request.META.get("QUERY_STRING", "")
    if not query:
        return ""
    if len(query) > MAX_QUERY:
        return f"its query string is longer than {MAX_QUERY} characters"
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if name not in policy.query:
            return f"the parameter {name[:40]!r} is none that its view names"
    return ""


class Address(NamedTuple):
    """All that tells a page from every other."""

    around: Surroundings
    scheme: str | None
    host: str
    path: str
    path_info: str  # which a middleware may have changed alone
    prefix: str
    query: str
    vary: tuple[str | None, ...] = ()

    def key(self) -> str:
        """`page:<digest>`."""
        around, *parts = self
        return keys.computed("page", around, *parts)


def around_of(request: HttpRequest) -> Surroundings:
    """What is around its view: a URLconf of the request's own Django will make active there."""
    own = getattr(request, "urlconf", None)
    return surroundings()._replace(urlconf=str(own)) if own else surroundings()


def address_of(request: HttpRequest, policy: Policy, around: Surroundings) -> Address:
    """Raises DisallowedHost."""
    told = request.META.get
    return Address(
        around,
        request.scheme,
        request.get_host(),
        request.path,
        request.path_info,
        told("SCRIPT_NAME", ""),
        told("QUERY_STRING", ""),
        _varied(request, policy),
    )


def signs_of(request: HttpRequest, policy: Policy) -> tuple[Any, ...]:
    """What a request's address is made of, whatever is around: the same signs, the same address.

    To read them takes less time than to make it, for get_host() matches regular expressions.
    """
    told = request.META.get
    return (
        request.path, request.path_info, request.scheme, told("SCRIPT_NAME"), told("QUERY_STRING"),
        told("HTTP_HOST"), told("HTTP_X_FORWARDED_HOST"), told("HTTP_X_FORWARDED_PORT"),
        told("SERVER_NAME"), told("SERVER_PORT"),
        settings.USE_X_FORWARDED_HOST, settings.USE_X_FORWARDED_PORT, settings.DEBUG,
        tuple(settings.ALLOWED_HOSTS), "" if _has_djangos_host(request) else request.get_host(),
        _varied(request, policy),
    )  # fmt: skip


# What of a request makes its host.
_NAMES = frozenset({"get_host", "_get_raw_host", "get_port", "is_secure"})
_PARTS = attrgetter(*_NAMES)
_OF_DJANGO = _PARTS(HttpRequest)


def _has_djangos_host(request: HttpRequest) -> bool:
    """Whether it makes its host as Django does, of the signs alone."""
    return _PARTS(type(request)) == _OF_DJANGO and _NAMES.isdisjoint(vars(request))


def _varied(request: HttpRequest, policy: Policy) -> tuple[str | None, ...]:
    return tuple([request.headers.get(header) for header in policy.vary]) if policy.vary else ()


def name_of(request: HttpRequest) -> str:
    """A page in words, for those who look at the cache: its path and query string."""
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{query}" if query else request.path
