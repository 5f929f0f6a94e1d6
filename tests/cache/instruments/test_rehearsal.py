"""Asking for a page from within a request for another."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from planets.cache import cached_page, disabled
from planets.cache.instruments.rehearsal import Rehearsal, Times, compare
from planets.cache.instruments.watch import Watch
from tests.cache.zoo.pages import home

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def asked(request: HttpRequest, name: str = "") -> HttpResponse:
    return HttpResponse(f"{request.build_absolute_uri()} {name} {request.META['REMOTE_ADDR']}")


def outer(request: HttpRequest) -> HttpResponse:
    with Watch() as watch:
        shown = Rehearsal(request, "/stars/").show()
    assert not watch.fetches
    return HttpResponse(shown.response.content)


urlpatterns = [
    path("stars/", home),
    path("asked/", asked),
    path("asked/<name>/", asked),
    path("query/", cached_page(query=("q",))(asked)),
    path("outer/", outer),
]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]


def rehearsal(page: str = "/stars/", query: str = "", **meta: Any) -> Rehearsal:
    return Rehearsal(RequestFactory().get("/outer/", **meta), page, query)


def test_it_is_the_page_that_a_visitor_gets_and_finds_in_the_cache() -> None:
    page = rehearsal()
    first = page.show()
    assert first.response.content == Client().get("/stars/").content
    assert next(first.story.fetched("page"))["outcome"] == "miss"
    assert next(page.show().story.fetched("page"))["outcome"] == "hit"
    visited = Client().get("/stars/", headers={"host": "other.example"})
    other = rehearsal(HTTP_HOST="other.example").show()
    assert visited.status_code == 200
    assert next(other.story.fetched("page"))["outcome"] == "hit"


def test_it_has_the_address_of_its_visitor_and_an_address_of_nobody() -> None:
    shown = rehearsal("/asked/é/", "q=%C3%A9", HTTP_HOST="a.example", secure=True).show()
    text = shown.response.content.decode()
    assert text == "https://a.example/asked/%C3%A9/?q=%C3%A9 é 192.0.2.1"


def test_who_watches_the_request_around_it_hears_nothing() -> None:
    assert Client().get("/outer/").status_code == 200


def test_what_is_disabled_around_it_is_not_so_within() -> None:
    page = rehearsal()
    page.show()
    with disabled():
        assert next(page.show().story.fetched("page"))["outcome"] == "hit"
    assert next(page.show(disabled).story.fetched("page"))["outcome"] == "bypass"


def test_each_way_is_taken_in_turn() -> None:
    order: list[str] = []

    def way(name: str, ms: float) -> float:
        order.append(name)
        return ms

    a, b = compare([lambda: way("a", 1.0), lambda: way("b", 2.0)], 3)
    assert order == ["a", "b"] * 3
    assert (a.median, b.median) == (1.0, 2.0)
    times = Times((3.0, 1.0, 8.0))
    assert (times.least, times.median, times.most) == (1.0, 3.0, 8.0)
    assert rehearsal().time() > 0
