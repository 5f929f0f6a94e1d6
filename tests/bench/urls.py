"""The site, and a page that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing")


urlpatterns: list[URLPattern | URLResolver] = [
    path("nothing/", nothing),
    path("", include("planetsite.urls")),
]
