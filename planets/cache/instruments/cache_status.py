"""The Cache-Status response header of RFC 9211, for the fetches that made a page."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse

from ..conf import conf
from ..events import Fetch
from ..native import NativeMiddleware
from .watch import Watch

SERVED = ("hit", "stale")


class CacheStatusMiddleware(NativeMiddleware):
    """Adds the header to each response that was made of fetches. Serves WSGI and ASGI natively."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self._acall(request)
        with Watch() as watch:
            response = self.get_response(request)
        return _tell(response, watch)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        with Watch() as watch:
            response = await self.get_response(request)
        return _tell(response, watch)


def _tell(response: HttpResponse, watch: Watch) -> HttpResponse:
    if watch.fetches:
        response["Cache-Status"] = header(watch.fetches, watch.outcomes)
    return response


def header(fetches: list[Fetch], outcomes: str) -> str:
    """`cache-aside; hit; ttl=287; detail="3 hits"`, where the name is CACHE_ASIDE["NAME"].

    A page is a hit when all of its fetches were, with the least time that one of them has left.
    Otherwise `fwd` says why the database was asked: "miss", "stale" where what was written since
    made it one, or "bypass" where the cache was not to be asked for anything of it. `stored` says
    that the page itself is in the cache from now on. What is served late on purpose is a hit whose
    time left is below zero: it is late by that at most, and `detail` calls it stale.
    """
    page = next((event for event in reversed(fetches) if event.kind == "page"), None)
    if page and page.outcome == "stale":
        fetches = [page]  # what was asked before it was taken is of another page
    if page and page.outcome == "miss":
        parts = ["fwd=stale" if page.cause else "fwd=miss", *([] if page.reason else ["stored"])]
    elif all(event.outcome in SERVED for event in fetches):
        left = [event.ttl for event in fetches if event.ttl is not None]
        parts = ["hit", *([f"ttl={math.floor(min(left))}"] if left else [])]
    else:
        bypass = all(event.outcome in (*SERVED, "bypass") for event in fetches)
        parts = ["fwd=bypass" if bypass else "fwd=miss"]
    return "; ".join([conf().NAME, *parts, f'detail="{outcomes}"'])
