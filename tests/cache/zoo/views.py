"""Pages for what looks on: the toolbar's panel, the Cache-Status header, metrics, the lab."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils.html import format_html_join

from .models import Comet, Star
from .records import star


def page(*names: str) -> HttpResponse:
    items = format_html_join("", "<li>{}</li>", ([name] for name in names))
    return HttpResponse(f"<html><body><ul>{items}</ul></body></html>")


def in_order() -> list[str]:
    return [each.name for each in Star.objects.cached().order_by("position")]


def home(request: HttpRequest) -> HttpResponse:
    return page(*in_order())


def one(request: HttpRequest, star_id: int) -> HttpResponse:
    """Three fetches: the record, all stars in order, its comets."""
    found = star(star_id)
    if found is None:
        raise Http404(f"There is no star {star_id}.")
    comets = Comet.objects.cached().filter(star_id=star_id).order_by("id")
    return page(found.name, *in_order(), *(comet.name for comet in comets))


def nothing(request: HttpRequest) -> HttpResponse:
    """Fetches nothing."""
    return page()


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponseNotFound("There is no such page.")
