"""Pages that are late on purpose, and how they say so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import AsyncClient, Client
from django.urls import path

from planets.cache import cached_page
from planets.cache.events import Fetch
from planets.cache.pages.notice import notice
from planets.cache.reading.away import DatabaseAway, is_away
from tests.cache.zoo.electra import NEW, OLD, rename
from tests.cache.zoo.models import Star
from tests.support.interleave import elsewhere
from tests.support.no_database import no_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

LONG = 60
LINE = "<p>As it was before the database went away.</p>"
TEMPLATE = engines["django"].from_string(
    "{% load cache_aside %}<body>{% if_late %}" + LINE + "{% endif_late %}{{ name }}</body>"
)


def body() -> str:
    return TEMPLATE.render({"name": Star.objects.get(pk=3).name})


@cached_page(max_stale=LONG)
def often(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body())


@cached_page(stale_if_error=LONG)
def always(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body())


@cached_page(stale_if_error=LONG)
async def of_async(request: HttpRequest) -> HttpResponse:
    star = await Star.objects.aget(pk=3)
    return HttpResponse(TEMPLATE.render({"name": star.name}))


@cached_page(stale_if_error=LONG)
def as_text(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body(), content_type="text/plain")


@cached_page
def of_late_parts(request: HttpRequest) -> HttpResponse:
    star = Star.objects.cached(stale_if_error=LONG).get(pk=3)
    return HttpResponse(TEMPLATE.render({"name": star.name}))


@cached_page(stale_if_error=LONG)
def broken(request: HttpRequest) -> HttpResponse:
    if Star.objects.get(pk=3).name == NEW:
        raise ValueError("a fault of the view")
    return HttpResponse(body())


@cached_page(stale_if_error=LONG)
def raises(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body())


@cached_page(stale_if_error=LONG, statuses={200: None, 404: None})
def absent(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body(), status=404)


urlpatterns = [
    path(f"{view.__name__}/", view)
    for view in (often, always, of_async, as_text, of_late_parts, broken, raises, absent)
]


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fault", status=500)


class Unavailable:
    """As a site's middleware that answers 503 where its database is away."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return HttpResponse("away", status=503) if is_away(error) else None


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "planets.cache.instruments.cache_status.CacheStatusMiddleware",
        "planets.cache.pages.middleware.PageCacheMiddleware",
        "django.middleware.common.CommonMiddleware",
        f"{__name__}.Unavailable",
    ]


def get(address: str, **headers: Any) -> Any:
    """In a thread, whose connection is a new one."""
    return elsewhere(lambda: Client(raise_request_exception=False).get(address, **headers))


def kept(address: str) -> Any:
    """What is in the cache from now on: a process remembers that the one before was refused."""
    get(address)
    return get(address)


def test_max_stale_serves_what_was_made_before_the_write() -> None:
    first = kept("/often/")
    rename()
    late = get("/often/")
    assert late.content == first.content
    assert LINE.encode() not in visible(late)
    assert re.fullmatch(r'planets; hit; ttl=-\d+; detail="1 stale"', late["Cache-Status"])
    assert get("/often/", HTTP_IF_NONE_MATCH=late["ETag"]).status_code == 304


def visible(response: Any) -> bytes:
    return re.sub(rb"<!--.*?-->", b"", response.content, flags=re.S)


@pytest.mark.parametrize("address", ["/always/", "/of_async/"])
def test_while_the_database_is_away_the_page_of_before_says_so(
    address: str, request: Any, events: list[Fetch]
) -> None:
    first = kept(address)
    assert LINE.encode() not in visible(first)
    rename()
    request.getfixturevalue("database_away")
    late = get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert late.status_code == 200
    assert late.content == f"<body>{LINE}{OLD}</body>".encode()
    assert late["Content-Length"] == str(len(late.content))
    assert late["Cache-Control"] == "no-store"
    assert "ETag" not in late.headers
    assert re.fullmatch(r'planets; hit; ttl=-\d+; detail=".*1 stale"', late["Cache-Status"])
    assert [event.outcome for event in events if event.kind == "page"][-1] == "stale"


@pytest.mark.asyncio
async def test_async(async_database: None, events: list[Fetch], monkeypatch: Any) -> None:
    client = AsyncClient()
    for _ in range(2):
        await client.get("/of_async/")
    await Star.objects.filter(pk=3).aupdate(name=NEW)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseAway("told by a test")

    monkeypatch.setattr(Star.objects, "aget", away)
    late = await client.get("/of_async/")
    assert late.content == f"<body>{LINE}{OLD}</body>".encode()


def test_without_a_middleware_of_the_sites_own(settings: Any, request: Any) -> None:
    settings.MIDDLEWARE = settings.MIDDLEWARE[:-1]
    kept("/raises/")
    rename()
    request.getfixturevalue("database_away")
    assert OLD.encode() in get("/raises/").content


def test_once_the_database_is_back_so_is_the_page() -> None:
    kept("/always/")
    rename()
    with no_database():
        assert OLD.encode() in get("/always/").content
    assert NEW.encode() in get("/always/").content


def test_another_fault_of_the_view_is_not_hidden() -> None:
    kept("/broken/")
    rename()
    assert get("/broken/").status_code == 500


def test_a_page_that_was_never_made_is_a_503(request: Any) -> None:
    request.getfixturevalue("database_away")
    assert get("/always/").status_code == 503


def test_what_answers_in_place_of_the_view_is_not_hidden(settings: Any) -> None:
    kept("/always/")
    rename()
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], f"{__name__}.maintenance"]
    assert get("/always/").status_code == 503


def maintenance(get_response: Any) -> Any:
    return lambda request: HttpResponse("closed", status=503)


def test_a_page_of_late_parts_says_so_and_is_not_kept(redis: Any, request: Any) -> None:
    kept("/of_late_parts/")
    rename()
    request.getfixturevalue("database_away")
    before = {key: redis.dump(key) for key in redis.keys("page:*")}
    late = get("/of_late_parts/")
    assert late.content == f"<body>{LINE}{OLD}</body>".encode()
    assert late["Cache-Control"] == "no-store"
    assert {key: redis.dump(key) for key in redis.keys("page:*")} == before


def test_a_page_that_is_not_there_has_no_late_copy(redis: Any) -> None:
    for _ in range(3):
        assert get("/absent/").status_code == 404
    assert redis.keys("page:*")
    assert not redis.keys("late:*")


def test_only_html_is_changed(request: Any) -> None:
    first = kept("/as_text/")
    rename()
    request.getfixturevalue("database_away")
    assert get("/as_text/").content == first.content


def test_a_line_cannot_end_its_comment() -> None:
    with pytest.raises(ValueError, match="two hyphens"):
        notice("a --> b")
