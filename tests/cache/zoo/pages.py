"""Pages of the zoo that are cached: an URLconf by itself, and what READS names."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.urls import path

from planets.cache import cached_page, remember
from planets.cache.fragments import fragment

from .models import Star
from .records import star
from .views import in_order, not_found, page


@cached_page
def home(request: HttpRequest) -> HttpResponse:
    return page(*in_order())


@cached_page
def one(request: HttpRequest, star_id: int) -> HttpResponse:
    """From the record alone."""
    found = star(star_id)
    return page(found.name if found else "")


@cached_page
def personal(request: HttpRequest) -> HttpResponse:
    return page(str(request.session.get("name")), *in_order())


def heaviest() -> str:
    return str(remember("heaviest", lambda: Star.objects.order_by("-mass")[0].name))


def piece() -> str:
    return str(fragment("piece", (1,), lambda: f"<b>{Star.objects.count()}</b>"))


handler404 = not_found


def pages() -> Iterator[str]:
    """What CACHE_ASIDE["READS"] names, to be warmed."""
    yield "/stars/"
    yield "/stars/1/"
    yield "/stars/3/"


urlpatterns = [
    path("stars/", home),
    path("stars/<int:star_id>/", one),
    path("personal/", personal),
]
