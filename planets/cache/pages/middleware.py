"""Serves the pages of views that are marked with cached_page, and stores them.

It stands after what looks at every request (SecurityMiddleware, which redirects to https, static
files) and before sessions, authentication and all else: a hit asks none of those, and costs one
look-up. What is behind it and sets the same headers for everybody, as a Content-Security-Policy, is
stored with the page.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.urls import Resolver404, resolve
from django.utils.cache import get_conditional_response
from msgspec.structs import replace

from .. import active
from ..native import NativeMiddleware
from ..reading import computed, path
from ..reading.away import is_away
from ..reading.computed import made_by
from ..reading.computed_format import Made
from ..reading.dependencies import Tracker
from ..reading.lookup import Forbidden, Lookup
from ..recent import Recent
from ..storage import keys
from ..storage.errors import Unavailable
from . import notice, personal
from .address import address_of, around_of, name_of, signs_of, uncacheable
from .marking import Policy, policy_of
from .room import with_room
from .stored import SHELF, Page, page_of, prepare, response_of, why_not

OK, UNAVAILABLE = int(HTTPStatus.OK), int(HTTPStatus.SERVICE_UNAVAILABLE)
AWAY = "_cache_aside_away"  # set on the request where its view found the database away


class Asked(NamedTuple):
    """A request for a page that may be cached."""

    lookup: Lookup
    policy: Policy


class PageCacheMiddleware(NativeMiddleware):
    """Serves WSGI and ASGI natively."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self._acall(request)
        asked = ask(request)
        if asked is None:
            return self.get_response(request)
        if may_be_unmade(request) and (response := unmade(request, asked)):
            return response
        if request.method == "HEAD":
            return self.get_response(request)
        making = Making(request, asked.policy)

        def make(heard: Tracker) -> Made:
            making.begin()
            return making.end(heard, with_room(self.get_response, request))

        return making.answer(computed.fetch(asked.lookup, make))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        asked = ask(request)
        if asked is None:
            return await self.get_response(request)
        if may_be_unmade(request) and (response := await sync_to_async(unmade)(request, asked)):
            return response
        if request.method == "HEAD":
            return await self.get_response(request)
        making = Making(request, asked.policy)

        async def make(heard: Tracker) -> Made:
            making.begin()
            return making.end(heard, await self.get_response(request))

        return making.answer(await computed.afetch(asked.lookup, make))

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """What Django calls where the view has raised, before it makes a response of it."""
        if is_away(exception):
            vars(request)[AWAY] = True


def ask(request: HttpRequest) -> Asked | None:
    """What a request asks for, where its view is marked; None for all others."""
    if request.method not in ("GET", "HEAD"):
        return None
    policy = _policy(request)
    if policy is None:
        return None
    if reason := uncacheable(request, policy):
        path.pass_by(computed.lookup_of(SHELF, "", name_of(request)), reason)
        return None
    around = around_of(request)
    try:
        signs = signs_of(request, policy)
        told = (signs, around, id(policy), keys.sights(), keys.database_gate(DEFAULT_DB_ALIAS))
        asked = _asked.get(told)
        if asked is None or asked.policy is not policy:
            address = address_of(request, policy, around)
            asked = Asked(_lookup(address.key(), name_of(request), policy), policy)
            _asked.put(told, asked)
    except DisallowedHost:
        return None  # who is behind us answers, as without a cache
    return asked


# What was asked for lately, by all that it depends on.
_asked: Recent[tuple[Any, ...], Asked] = Recent(1024)


def _lookup(key: str, name: str, policy: Policy) -> Lookup:
    lookup = computed.lookup_of(SHELF, key, name, policy.ttl, policy.late, of_any_age=True)
    # Of any age: whoever filled it went by the same policy, which may give a status a longer life.
    return replace(lookup, second_sight=True) if policy.second_sight else lookup


# What is looked up for each request, of the addresses that came lately: () where there is none.
_policies: Recent[tuple[Any, ...], Policy | tuple[()]] = Recent(4096)


def _policy(request: HttpRequest) -> Policy | None:
    """How the view behind an address is cached, if it is."""
    urlconf = getattr(request, "urlconf", None) or settings.ROOT_URLCONF
    address = (urlconf, active.language() if settings.USE_I18N else None, request.path_info)
    known = _policies.get(address)
    if known is None:
        try:
            known = policy_of(resolve(request.path_info, urlconf).func) or ()
        except Resolver404:
            known = ()
        _policies.put(address, known)
    return known or None


def may_be_unmade(request: HttpRequest) -> bool:
    """Whether a request may be answered without making the page or its body."""
    return request.method == "HEAD" or "HTTP_IF_NONE_MATCH" in request.META


def unmade(request: HttpRequest, asked: Asked) -> HttpResponseBase | None:
    """The answer where it can be given without making the page or its body: 304, or to a HEAD."""
    if settings.DEBUG:
        return None  # the toolbar adds itself to each page, and no ETag knows of it
    try:
        etag = request.META.get("HTTP_IF_NONE_MATCH", "").removeprefix("W/")
        told = SHELF.marked(asked.lookup)
        known = told.get("ETag", "").removeprefix("W/")
        if etag and etag == known and computed.proves(asked.lookup, told):
            return HttpResponseNotModified(headers=dict(told))
        if request.method == "HEAD" and (page := computed.peek(asked.lookup)):
            return _conditional(request, response_of(page))
    except (Unavailable, Forbidden):
        pass  # the fetch that follows meets the same, and tells
    return None


class Making:
    """A page on its way from its view to the cache and to its visitor."""

    reads: personal.Reads  # from begin() on

    def __init__(self, request: HttpRequest, policy: Policy) -> None:
        self.request, self.policy = request, policy
        self.response: HttpResponseBase | None = None
        self.away = False

    def begin(self) -> None:
        """From here on the request tells what is read of its visitor."""
        self.reads = personal.watch(self.request, self.policy.vary)

    def end(self, heard: Tracker, response: HttpResponseBase) -> Made:
        """The view has answered: what is to be stored of it, or why nothing is."""
        self.response = response
        own = vars(self.request)
        if personal.RAN in own and (response.status_code == UNAVAILABLE or AWAY in own):
            self.away = True
        elif heard.without_database and isinstance(response, HttpResponse):
            self.response = response = notice.tell(response)
        refusal = why_not(response, self.policy) or personal.why(self.request, response, self.reads)
        if refusal or heard.refusal:
            return made_by(heard, None, refusal=refusal, away=self.away)
        mark = prepare(response, self.policy)
        # Addresses of pages that are not there can be made up without end.
        rare = response.status_code != OK
        ttl = self.policy.ttl_of(response.status_code)
        return made_by(heard, page_of(response), mark=mark, ttl=ttl, rare=rare)

    def answer(self, page: Page | None) -> HttpResponseBase:
        """The page as this process made it, else as it was stored."""
        response = self.response
        if self.away and page is not None:  # as it was stored when the database was there
            return notice.tell(response_of(page))
        if response is None:
            assert page is not None  # noqa: S101  what is not made here was found
            response = response_of(page)
        return _conditional(self.request, response)


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """304 where the visitor has the page already."""
    if settings.DEBUG:
        del response.headers["ETag"]
        return response
    meta = request.META
    if not dict.__contains__(meta, "HTTP_IF_NONE_MATCH") or not isinstance(response, HttpResponse):
        return response
    etag = response.headers.get("ETag")
    if etag is None or response.status_code != 200:
        return response
    return get_conditional_response(request, etag=etag, response=response) or response
