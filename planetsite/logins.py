"""Guessing passwords: what django-axes, which counts and refuses, is told of this site."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Who has one IPv6 address has as many as there are in its /64.
NETWORK = 2**64


def address(request: HttpRequest) -> str:
    """Whose attempts are counted together: an IPv4 address, or the network of an IPv6 address.

    Behind the proxy that BEHIND_TLS_PROXY tells of, it is what that proxy has put last in
    X-Forwarded-For; what stands before is the client's own word.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_TLS_PROXY:
        found = request.headers.get("X-Forwarded-For", found).rpartition(",")[2].strip()
    try:
        parsed = ip_address(found)
    except ValueError:  # a Unix socket has none
        return "0.0.0.0"  # noqa: S104  no address to listen on
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) // NETWORK * NETWORK))


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """What is answered instead of a try of a password."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    page = render(request, "429.html", {"minutes": minutes}, status=429)
    page["Retry-After"] = str(60 * minutes)
    return page
