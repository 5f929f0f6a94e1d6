"""A page that is made deep in the stack does not have its memory mapped anew for each call."""

from __future__ import annotations

import resource
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from planets.cache import cached_page
from planets.cache.pages.middleware import PageCacheMiddleware
from planets.cache.pages.room import with_room

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

CALLS = 2000
DEPTHS = range(1, 300)  # more frames than a chunk has room for


def leaf(argument: int) -> int:
    return argument


def work() -> None:
    for number in range(CALLS):
        leaf(number)


@cached_page
def working(request: HttpRequest, depth: int) -> HttpResponse:
    work()
    return HttpResponse("worked")


urlpatterns = [path("<int:depth>/", working)]


def at(depth: int, call: Any) -> int:
    """How many page faults a call makes so deep in the stack."""
    if depth:
        return at(depth - 1, call)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    call()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_call_has_room_at_any_depth() -> None:
    def call() -> None:
        with_room(lambda _: work(), None)

    call()
    assert max(at(depth, call) for depth in DEPTHS) < CALLS / 4


def test_a_page_is_made_with_room(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]
    middleware = PageCacheMiddleware(lambda request: working(request, 0))

    def made(depth: int) -> int:
        request = RequestFactory().get(f"/{depth}/")
        return at(depth, lambda: middleware(request))

    made(0)
    assert max(made(depth) for depth in DEPTHS) < CALLS / 4


def test_what_is_raised_and_returned_is_the_call_s() -> None:
    assert with_room(str, 3) == "3"
    with pytest.raises(ValueError, match="invalid literal"):
        with_room(int, "three")
