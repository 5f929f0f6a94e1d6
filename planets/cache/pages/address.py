"""What tells one page from every other: its address, and all else that it may depend on."""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.http import HttpRequest

from ..release import surroundings
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


def page_key(request: HttpRequest, policy: Policy) -> str:
    """`page:<digest>` of a request. Raises DisallowedHost."""
    return keys.computed(
        "page",
        surroundings(),
        request.scheme,
        request.get_host(),
        request.path,
        request.META.get("SCRIPT_NAME", ""),
        request.META.get("QUERY_STRING", ""),
        [request.headers.get(header) for header in policy.vary],
    )


def name_of(request: HttpRequest) -> str:
    """A page in words, for those who look at the cache: its path and query string."""
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{query}" if query else request.path
