"""Pages that are cached, for the tests of pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views import View

from planets.cache import cached_page

from .computed import ALL
from .models import Star
from .views import not_found


@cached_page(query=("q", "sort"))
def names(request: HttpRequest) -> HttpResponse:
    stars = Star.objects.cached().filter(name__icontains=request.GET.get("q", ""))
    told = ",".join(stars.order_by("id").values_list("name", flat=True))
    return HttpResponse(f"{request.build_absolute_uri()} {sorted(request.GET.items())} {told}")


@cached_page(statuses={200: None, 404: 30})
def one(request: HttpRequest, star_id: int) -> HttpResponse:
    star = Star.records.get(star_id)
    if star is None:
        raise Http404("There is no such star.")
    return HttpResponse(star.name)


@cached_page
async def of_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join([star.name async for star in Star.objects.order_by("id")]))


@cached_page(vary=("X-Flavour",))
def flavoured(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.headers.get("X-Flavour")))


@cached_page
def read(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(repr(ALL[name]()))


class Shown(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("shown")


urlpatterns: list[Any] = [
    path("names/", names),
    path("one/<int:star_id>/", one),
    path("async/", of_async),
    path("flavoured/", flavoured),
    path("read/<str:name>/", read),
    path("shown/", cached_page(Shown.as_view())),
]

handler404 = not_found
