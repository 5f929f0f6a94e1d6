"""What was made for one visitor is never stored for others.

While a page is made, its request tells of whatever is read of the visitor: cookies, and headers
that the view has not named in `vary`. Headers that say nothing of him are on a list; to read any
other makes the page personal. Sessions, messages and CSRF tokens tell of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# What a page may read without being a visitor's own: where it is asked for (in the key), how the
# answer is to be sent (what varies by these says so in Vary), and what serves conditions.
IMPERSONAL = frozenset(
    "HTTP_HOST HTTP_X_FORWARDED_HOST HTTP_X_FORWARDED_PROTO HTTP_X_FORWARDED_PORT "
    "HTTP_ACCEPT_ENCODING HTTP_CONNECTION HTTP_IF_NONE_MATCH HTTP_IF_MODIFIED_SINCE "
    "HTTP_IF_MATCH HTTP_IF_UNMODIFIED_SINCE HTTP_IF_RANGE HTTP_RANGE HTTP_CACHE_CONTROL".split()
)
# Of what the server itself puts there, what names the visitor.
OF_VISITOR = frozenset("REMOTE_ADDR REMOTE_HOST REMOTE_PORT REMOTE_USER REMOTE_IDENT".split())


class Watched(dict[str, Any]):
    """A part of a request, which notes what personal is read of it."""

    def __init__(self, values: dict[str, Any], personal: Any, read: list[str]) -> None:
        super().__init__(values)
        self._personal, self._read = personal, read

    def _note(self, name: object) -> None:
        if self._personal(name):
            self._read.append(str(name))

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._note_all()
        return super().__iter__()

    def items(self) -> Any:
        self._note_all()
        return super().items()

    def values(self) -> Any:
        self._note_all()
        return super().values()

    def copy(self) -> dict[str, Any]:
        self._note_all()
        return super().copy()

    def _note_all(self) -> None:
        for name in super().__iter__():
            self._note(name)


def watch(request: HttpRequest, vary: tuple[str, ...]) -> list[str]:
    """Have the request tell what is read of its visitor, into the list that is returned."""
    read: list[str] = []
    named = IMPERSONAL | set(map(_variable, vary)) | set(settings.SECURE_PROXY_SSL_HEADER or ())
    # Sessions and CSRF tokens are found by their middleware, whether or not a page asks for them.
    known = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}

    # Django's CommonMiddleware asks for it, to no effect on what is shown; a view would mean it.
    lenient = {"HTTP_USER_AGENT"}
    request.__dict__[LENIENT] = lenient

    def header(name: object) -> bool:
        if name in lenient:
            return False
        return (str(name).startswith("HTTP_") and name not in named) or name in OF_VISITOR

    headers = request.headers  # made of META, all of it, so before META is watched
    watched = Watched(dict(headers.items()), lambda name: header(_variable(name)), read)
    request.__dict__["headers"] = Headers(watched)
    request.COOKIES = Watched(request.COOKIES, lambda name: name not in known, read)
    request.META = Watched(request.META, header, read)
    if "environ" in vars(request):
        vars(request)["environ"] = request.META  # WSGI's name for the same
    return read


LENIENT = "_cache_aside_lenient"


def begins(request: HttpRequest) -> None:
    """The view itself begins to read."""
    lenient: set[str] = vars(request).get(LENIENT, set())
    lenient.clear()


class Headers:
    """request.headers over a Watched: names in any case."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._names = {name.lower(): name for name in dict.keys(watched)}

    def __getitem__(self, name: str) -> Any:
        return self._watched[self._names.get(name.replace("_", "-").lower(), name)]

    def get(self, name: str, default: Any = None) -> Any:
        return self._watched.get(self._names.get(name.replace("_", "-").lower(), name), default)

    def __contains__(self, name: object) -> bool:
        return self._names.get(str(name).lower(), name) in self._watched

    def __iter__(self) -> Iterator[str]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)

    def items(self) -> Any:
        return self._watched.items()

    def keys(self) -> Any:
        return list(iter(self._watched))

    def values(self) -> Any:
        return self._watched.values()


def _variable(name: object) -> str:
    return f"HTTP_{str(name).upper().replace('-', '_')}"


def why(request: HttpRequest, response: HttpResponseBase, read: list[str]) -> str:
    """Why the response is its visitor's own; "" where it is anybody's."""
    if response.cookies:
        return f"it sets the cookie {next(iter(response.cookies))!r}"
    if read:
        return f"it reads {read[0]!r} of the request: name it in vary where it may be cached"
    session = getattr(request, "session", None)
    if session is not None and (session.accessed or session.modified):
        return "it reads or writes the session"
    if hasattr(request, "_cached_user") or hasattr(request, "_acached_user"):
        return "it asks who the user is"
    if dict.get(request.META, "CSRF_COOKIE_NEEDS_UPDATE"):
        return "it gives out a CSRF token"
    messages = getattr(request, "_messages", None)
    if messages is not None and (
        messages.used or messages.added_new or hasattr(messages, "_loaded_data")
    ):
        return "it shows or leaves messages"
    return ""
