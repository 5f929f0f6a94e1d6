"""Read your own writes: a visitor who has written, and another process that has not heard of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from planets.cache import cached_page
from planets.cache.events import Fetch
from planets.cache.pages.own_writes import COOKIE, SECONDS
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

OWN = "planets.cache.pages.own_writes.OwnWritesMiddleware"
PAGES = "planets.cache.pages.middleware.PageCacheMiddleware"


def shows(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(sorted(both())))


@cached_page
def page(request: HttpRequest) -> HttpResponse:
    return shows(request)


def writes(request: HttpRequest) -> HttpResponse:
    rename()
    return HttpResponse()


async def writes_async(request: HttpRequest) -> HttpResponse:
    await sync_to_async(rename)()
    return HttpResponse()


urlpatterns = [
    path("shows/", shows),
    path("page/", page),
    path("writes/", writes),
    path("writes-async/", writes_async),
]


@pytest.fixture
def site(settings: Any) -> Client:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [OWN, PAGES]
    return Client()


@pytest.fixture
def deaf(near_on: None, events: list[Fetch]) -> Iterator[None]:
    """This process has kept both, and the push that says otherwise does not come."""

    def is_kept() -> bool:
        events.clear()
        both()
        return {event.tier for event in events} == {"near"}

    wait_until(is_kept)
    heard = near.tracking._changed
    near.tracking._changed = lambda names: None
    yield
    near.tracking._changed = heard
    near.drop_all()


def text(client: Client, address: str) -> str:
    return str(client.get(address).content.decode())


def written(client: Client) -> str:
    return client.get("/writes/").cookies[COOKIE].value


def test_a_response_to_who_wrote_says_so_for_a_moment(site: Client, redis: Any) -> None:
    assert COOKIE not in site.get("/shows/").cookies
    told = site.get("/writes/").cookies[COOKIE]
    assert (told.value, told["max-age"], told["httponly"], told["samesite"]) == (
        "1", SECONDS, True, "Lax",
    )  # fmt: skip


def test_it_is_secure_where_the_session_is(site: Client, settings: Any, redis: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    assert site.get("/writes/").cookies[COOKIE]["secure"]


@pytest.mark.asyncio
async def test_of_asgi(async_database: None, settings: Any, redis: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [OWN, PAGES]
    assert COOKIE in (await AsyncClient().get("/writes-async/")).cookies
    assert COOKIE not in (await AsyncClient().get("/page/")).cookies


def test_another_process_shows_him_his_write(site: Client, deaf: None) -> None:
    with another_process() as other:
        cookie = other.do(written, site)
    assert text(site, "/shows/") == OLD  # to who did not write it is as late as the push
    site.cookies[COOKIE] = cookie
    assert text(site, "/shows/") == NEW


def test_a_page_that_is_made_for_him_is_anybodys(
    site: Client, redis: Any, round_trips: list[list[str]], events: list[Fetch]
) -> None:
    site.cookies = site.get("/writes/").cookies
    assert text(site, "/page/") == NEW
    events.clear()
    assert text(Client(), "/page/") == NEW
    assert [(event.kind, event.outcome) for event in events] == [("page", "hit")]


def test_he_is_served_the_page_that_is_stored(
    site: Client, redis: Any, events: list[Fetch], django_assert_num_queries: Any
) -> None:
    assert text(site, "/page/") == OLD
    site.cookies[COOKIE] = "1"
    events.clear()
    with django_assert_num_queries(0):
        assert text(site, "/page/") == OLD
    assert [(event.kind, event.outcome) for event in events] == [("page", "hit")]
