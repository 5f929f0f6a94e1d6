"""Asking for a page again, from within a request for another: to tell its story, and to time it.

It goes through a handler of this process, middleware and all, in a context of its own: nobody who
watches the request that is served here hears of it, and what is disabled here is not so there.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, set_script_prefix

from .story import Story, story
from .timeline import Timeline

T = TypeVar("T")
Around = Callable[[], AbstractContextManager[object]]

# An address of no network (RFC 5737), so of nobody whom a toolbar is shown.
NOBODY = "192.0.2.1"
# What says by which name, and how, the site was called: with these the page is the visitor's own.
CALLED_BY = (
    *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SCRIPT_NAME", "HTTP_HOST"),
    *("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
)


class Shown(NamedTuple):
    """A page, and how it was made."""

    response: HttpResponse
    story: Story


@dataclass(frozen=True, slots=True)
class Times:
    """How long a page took, in milliseconds."""

    all: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.all)

    @property
    def least(self) -> float:
        return min(self.all)

    @property
    def most(self) -> float:
        return max(self.all)


@lru_cache(maxsize=1)
def _handler(middleware: tuple[str, ...]) -> BaseHandler:
    handler = BaseHandler()
    handler.load_middleware()
    return handler


class Rehearsal:
    """A page of this site, asked for as the visitor of `request` would."""

    def __init__(self, request: HttpRequest, path: str, query: str = "") -> None:
        """`path` is as `path_info` has it, without the prefix of the site."""
        self.path, self.query = path, query
        self._prefix = get_script_prefix()
        self._meta = {name: request.META[name] for name in CALLED_BY if name in request.META}
        self._scheme = request.scheme
        # Here, for its making is no part of a page's.
        self._handler = _handler(tuple(settings.MIDDLEWARE))

    def show(self, around: Around = nullcontext) -> Shown:
        """The page with its story, made within `around`."""

        def watched() -> Shown:
            with around(), Timeline() as timeline:
                response = self._ask()
            return Shown(response, story(timeline))

        return self._alone(watched)

    def time(self, around: Around = nullcontext) -> float:
        """The milliseconds that the page takes where nobody watches, within `around`."""

        def timed() -> float:
            with around():
                started = time.perf_counter()
                self._ask()
                return (time.perf_counter() - started) * 1000

        return self._alone(timed)

    def _alone(self, run: Callable[[], T]) -> T:
        def placed() -> T:
            set_script_prefix(self._prefix)
            return run()

        return Context().run(placed)

    def _ask(self) -> HttpResponse:
        request = WSGIRequest(
            {
                **self._meta,
                "REQUEST_METHOD": "GET",
                "PATH_INFO": self.path.encode().decode("latin-1"),  # as WSGI has it
                "QUERY_STRING": self.query,
                "REMOTE_ADDR": NOBODY,
                "wsgi.url_scheme": self._scheme,
                "wsgi.input": io.BytesIO(),
            }
        )
        response = self._handler.get_response(request)
        assert isinstance(response, HttpResponse)  # noqa: S101  no page of a cached view streams
        return response


def compare(ways: Sequence[Callable[[], float]], rounds: int) -> list[Times]:
    """Each way so many times, in turn, so that a change in the machine's load falls on all."""
    found = [[way() for way in ways] for _ in range(rounds)]
    return [Times(times) for times in zip(*found, strict=True)]
