"""Read your own writes: who has just written is shown nothing of before, whichever process answers.

A write is known to all processes at once, but for what is late by its nature: the near tier of
another process, as long as Redis's push takes, and plain reads of a replica. So the response to a
request that wrote carries a cookie for SECONDS, and a request that brings it is answered without
the near tier, and by the primary, where the router asks `recent()`.

The cookie says that somebody wrote, not who or what. Pages stay anybody's: they are served from
Redis as ever, and whoever makes one does not see the cookie.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ..native import NativeMiddleware
from ..reading.permission import without_near
from ..writing.observer import noticing_writes
from ..writing.observer import written as noticed

COOKIE = "wrote"
SECONDS = 5  # a replica that is further behind than that is not one to read from

_brought: ContextVar[bool] = ContextVar("cache_aside_wrote_lately", default=False)


def recent() -> bool:
    """Whether the visitor who is being answered has just written, by this request or one before."""
    return _brought.get() or bool(noticed.get())


class OwnWritesMiddleware(NativeMiddleware):
    """Stands before PageCacheMiddleware, which would take its look at the cookie for a page's."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self._acall(request)
        with visit(request) as written:
            response = self.get_response(request)
        return tell(response, written)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with visit(request) as written:
            response = await self.get_response(request)
        return tell(response, written)


@contextmanager
def visit(request: HttpRequest) -> Iterator[set[str]]:
    """Gives the aliases that are written to within it."""
    brought = COOKIE in request.COOKIES
    with noticing_writes() as written, without_near() if brought else nullcontext():
        token = _brought.set(brought)
        try:
            yield written
        finally:
            _brought.reset(token)


def tell(response: HttpResponseBase, written: set[str]) -> HttpResponseBase:
    """The response, with the cookie where something was written."""
    if written:
        response.set_cookie(
            COOKIE,
            "1",
            max_age=SECONDS,
            httponly=True,
            samesite="Lax",
            secure=bool(settings.SESSION_COOKIE_SECURE),
        )
    return response
