"""What was made for one visitor is never stored for others.

While a page is made, its request tells of whatever is read of the visitor: cookies, the session,
and whatever of the request stands neither in the page's key nor on a list of what says nothing of
him. To read anything else makes the page personal, and whatever is computed by the way. Messages,
CSRF tokens and the user tell of themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ..reading.dependencies import tracker
from .watched import Headers, Watched

# Of META and of ASGI's scope, what is in a page's key, or is the same for all visitors.
KEYED = frozenset(
    "REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING HTTP_HOST SERVER_PROTOCOL SERVER_SOFTWARE "
    "GATEWAY_INTERFACE CSRF_COOKIE_NEEDS_UPDATE".split()
)
SCOPE = frozenset("type asgi http_version method scheme path root_path query_string".split())

# Django's own code, by module, that reads these to no effect on what a page shows to others: it
# sets them on the request, or says in the response that it did.
OF_DJANGO: dict[str, tuple[str, ...]] = {
    "HTTP_USER_AGENT": ("django.middleware.common",),
    "HTTP_ACCEPT_ENCODING": ("django.middleware.gzip",),
    "HTTP_IF_NONE_MATCH": ("django.utils.cache", "django.middleware.http"),
    "HTTP_IF_MODIFIED_SINCE": ("django.utils.cache", "django.middleware.http"),
    "HTTP_IF_UNMODIFIED_SINCE": ("django.utils.cache", "django.middleware.http"),
    "HTTP_IF_MATCH": ("django.utils.cache", "django.middleware.http"),
    "CSRF_COOKIE": ("django.middleware.csrf",),
    "session": (
        "django.contrib.sessions.middleware", "django.contrib.auth.middleware",
        "django.contrib.messages.storage.session",
    ),
}  # fmt: skip

RAN = "_cache_aside_ran"  # set on the request by the marked view, as it begins


class Reads:
    """What was read of a visitor while his page was made."""

    def __init__(self, known: dict[str, tuple[str, ...]]) -> None:
        self.names: list[str] = []
        self._known = {**OF_DJANGO, **known}

    def note(self, name: object) -> None:
        name = str(name)
        if name in self._known and _reader() in self._known[name]:
            return
        self.names.append(name)
        if heard := tracker():  # of what is computed by the way, which others would be given
            heard.refuse(f"it reads {name!r} of the request")


OURS = (__name__, f"{__package__}.watched")


def _reader() -> str:
    """The module whose code asks."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in OURS:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")) if frame else ""


def watch(request: HttpRequest, vary: tuple[str, ...]) -> Reads:
    """Have the request tell what is read of its visitor."""
    named = KEYED | {_variable(header) for header in vary}
    named |= set((settings.SECURE_PROXY_SSL_HEADER or ())[:1])
    if settings.USE_X_FORWARDED_HOST:
        # The host of the key is the forwarded one where there is one, so then the other is not.
        named |= {"HTTP_X_FORWARDED_HOST"}
        if "HTTP_X_FORWARDED_HOST" in request.META:
            named -= {"HTTP_HOST"}
    elif "HTTP_HOST" not in request.META:
        # Then the host of the key is of these.
        named |= {"SERVER_NAME", "SERVER_PORT"}
        named |= {"HTTP_X_FORWARDED_PORT"} if settings.USE_X_FORWARDED_PORT else set()
    # Both are found by their middleware, whether or not a page asks for them.
    reads = Reads(
        {
            settings.SESSION_COOKIE_NAME: ("django.contrib.sessions.middleware",),
            settings.CSRF_COOKIE_NAME: ("django.middleware.csrf",),
        }
    )

    def personal(name: object) -> bool:
        return name not in named and not str(name).startswith("wsgi.")

    headers = request.headers  # made of META, all of it, so before META is watched
    cookies = Watched(request.COOKIES, lambda name: True, reads.note)
    meta = Watched(request.META, personal, reads.note)
    told = Watched(dict(headers), lambda name: personal(_variable(name)), reads.note)
    request.COOKIES, request.META = cookies, meta
    own = vars(request)
    own["headers"] = Headers(told)
    if "environ" in own:
        own["environ"] = meta  # WSGI's name for the same
    if "scope" in own:
        own["scope"] = Watched(own["scope"], lambda name: name not in SCOPE, reads.note)
    own[_READS] = reads
    kind: Any = type(request)
    request.__class__ = _telling(kind)
    return reads


_READS = "_cache_aside_reads"


@lru_cache(maxsize=32)
def _telling(kind: type[HttpRequest]) -> type[HttpRequest]:
    """The class of a request that tells who asks for its session."""

    def read(self: Any) -> Any:
        if "session" not in vars(self):
            raise AttributeError("session")
        vars(self)[_READS].note("session")
        return vars(self)["session"]

    def write(self: Any, session: Any) -> None:
        vars(self)["session"] = session

    return type(kind.__name__, (kind,), {"session": property(read, write)})


def begins(request: HttpRequest) -> None:
    """The marked view itself begins."""
    vars(request)[RAN] = True


def _variable(name: object) -> str:
    return f"HTTP_{str(name).upper().replace('-', '_')}"


def why(request: HttpRequest, response: HttpResponseBase, reads: Reads) -> str:
    """Why the response is its visitor's own; "" where it is anybody's."""
    own = vars(request)
    checks: list[tuple[Any, Callable[[], str]]] = [
        (RAN not in own, lambda: "another than its view has answered"),
        (response.cookies, lambda: f"it sets the cookie {next(iter(response.cookies))!r}"),
        (response.has_header("Set-Cookie"), lambda: "it sets a cookie"),
        (_session_used(own.get("session")), lambda: "it reads or writes the session"),
        (
            "_cached_user" in own or "_acached_user" in own,
            lambda: "it asks who the user is",
        ),
        (
            dict.get(request.META, "CSRF_COOKIE_NEEDS_UPDATE"),
            lambda: "it gives out a CSRF token",
        ),
        # By django-csp, or by Django's own from 6.0 on, where it is there and empty before its use.
        (bool(own.get("_csp_nonce")), lambda: "it has a nonce, which is for one answer alone"),
        (_messages_used(own.get("_messages")), lambda: "it shows or leaves messages"),
        (
            own.get("_read_started") or "_body" in own,
            lambda: "it reads the body of the request",
        ),
        (
            reads.names,
            lambda: (
                f"it reads {reads.names[0]!r} of the request: name a header in vary to keep "
                "a page for each"
            ),
        ),
    ]
    return next((told() for found, told in checks if found), "")


def _session_used(session: Any) -> bool:
    return session is not None and (session.accessed or session.modified)


def _messages_used(messages: Any) -> bool:
    return messages is not None and (
        messages.used or messages.added_new or hasattr(messages, "_loaded_data")
    )
