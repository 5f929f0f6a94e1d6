"""The Cache-Status response header of RFC 9211, for the fetches that made a page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .cache.signals import Fetch
from .watching import Watch

CACHE = "planets"


class CacheStatusMiddleware:
    """Adds the header to each response that was made of fetches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with Watch() as watch:
            response = self.get_response(request)
        if watch.fetches:
            response["Cache-Status"] = header(watch.fetches, watch.outcomes)
        return response


def header(fetches: list[Fetch], outcomes: str) -> str:
    """`planets; hit; ttl=287; detail="3 hits"`.

    A page is a hit when all of its fetches were, with the least time that one of them has left.
    Otherwise `fwd` says why the database was asked: "miss", or "bypass" where the cache was not to
    be asked for anything of it.
    """
    if all(event.outcome == "hit" for event in fetches):
        left = [event.ttl for event in fetches if event.ttl is not None]
        parts = ["hit", *([f"ttl={int(min(left))}"] if left else [])]
    else:
        bypass = all(event.outcome in ("hit", "bypass") for event in fetches)
        parts = ["fwd=bypass" if bypass else "fwd=miss"]
    return "; ".join([CACHE, *parts, f'detail="{outcomes}"'])
