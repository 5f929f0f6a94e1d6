"""Pages that read something of their visitor, or give him something of his own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.vary import vary_on_headers

from planets.cache import cached_page, remember

Tell = Callable[[HttpRequest], Any]


def responding(**headers: str) -> Tell:
    return lambda request: HttpResponse(
        "x", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def with_cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("x")
    response.set_cookie("seen", request.path)
    return response


def write_session(request: HttpRequest) -> str:
    request.session["seen"] = 1
    return "x"


def leave_message(request: HttpRequest) -> str:
    messages.info(request, "hello")
    return "x"


def lazily(template: str) -> Tell:
    return lambda request: TemplateResponse(request, engines["django"].from_string(template))


def in_tokyo(request: HttpRequest) -> str:
    zone = request.COOKIES.get("zone", "UTC")
    with timezone.override(zone):
        return timezone.get_current_timezone_name()


# Each tells something that may be another for each visitor.
PERSONAL: dict[str, Tell] = {
    "session-read": lambda request: request.session.get("name"),
    "session-key": lambda request: request.session.session_key,
    "session-empty": lambda request: request.session.is_empty(),
    "session-written": write_session,
    "user": lambda request: request.user.get_username(),
    "user-lazily": lazily("{{ user.username }}"),
    "csrf": get_token,
    "csrf-tag": lazily("{% csrf_token %}"),
    "csrf-meta": lambda request: request.META.get("CSRF_COOKIE"),
    "messages": leave_message,
    "messages-shown": lazily("{% for message in messages %}{{ message }}{% endfor %}"),
    "cookie-set": with_cookie,
    "cookie-by-header": responding(Set_Cookie="a=b"),
    "cookie": lambda request: request.COOKIES.get("name"),
    "cookie-of-session": lambda request: "sessionid" in request.COOKIES,
    "cookie-of-csrf": lambda request: request.COOKIES.get("csrftoken"),
    "cookie-popped": lambda request: request.COOKIES.pop("name", ""),
    "cookie-default": lambda request: request.COOKIES.setdefault("name", ""),
    "cookies-any": lambda request: bool(request.COOKIES),
    "cookies-names": lambda request: sorted(request.COOKIES.keys()),
    "cookies-text": lambda request: repr(request.COOKIES),
    "cookies-merged": lambda request: sorted(({} | request.COOKIES).items()),
    "cookies-equal": lambda request: request.COOKIES == {},
    "cookies-lazily": lazily("{{ request.COOKIES.name }}"),
    "header": lambda request: request.headers.get("X-Name"),
    "header-meta": lambda request: request.META.get("HTTP_X_NAME"),
    "headers": lambda request: dict(request.headers),
    "agent": lambda request: request.headers.get("User-Agent"),
    "encoding": lambda request: request.META.get("HTTP_ACCEPT_ENCODING"),
    "accepts": lambda request: request.accepts("text/html"),
    "forwarded-host": lambda request: request.headers.get("X-Forwarded-Host"),
    "forwarded-port": lambda request: request.META.get("HTTP_X_FORWARDED_PORT"),
    "address": lambda request: request.META["REMOTE_ADDR"],
    "certificate": lambda request: request.META.get("SSL_CLIENT_S_DN"),
    "body": lambda request: request.body,
    "inside-a-value": lambda request: remember("inside", lambda: request.COOKIES.get("name")),
    "zone": in_tokyo,
    "streaming": lambda request: StreamingHttpResponse(iter(["x"])),
    "no-store": never_cache(responding()),
    "private": responding(Cache_Control="private"),
    "private-field": responding(Cache_Control='private="X-Name"'),
    "vary": vary_on_headers("X-Name")(responding()),
    "vary-all": responding(Vary="*"),
    "redirect": lambda request: HttpResponseRedirect("/elsewhere/"),
    "error": lambda request: HttpResponse("x", status=500),
}


def view(tell: Tell) -> Any:
    def shown(request: HttpRequest) -> Any:
        told = tell(request)
        return (
            told
            if isinstance(told, HttpResponse | StreamingHttpResponse)
            else HttpResponse(repr(told))
        )

    return cached_page(shown)


urlpatterns = [path(f"personal/{name}/", view(tell)) for name, tell in PERSONAL.items()]
