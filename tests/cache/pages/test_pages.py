"""Whole pages: kept, served from one look-up, told apart, revalidated."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from planets.cache import cached_page, release
from planets.cache.events import Fetch
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    settings.ALLOWED_HOSTS = ["*"]


def pages(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events if event.kind == "page"]


def rename(pk: int = 3) -> None:
    Star.objects.filter(pk=pk).update(name="Taygeta")


def test_a_hit_is_one_round_trip_and_asks_nobody_else(
    client: Client, round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    first = client.get("/names/")
    round_trips.clear()
    with django_assert_num_queries(0):
        again = client.get("/names/")
    assert round_trips == [["MGET"]]  # the page and its gates
    assert (again.content, again.headers) == (first.content, first.headers)
    assert again.headers["Cache-Control"] == "public, no-cache"
    rename()
    assert b"Taygeta" in client.get("/names/").content


def test_a_page_of_a_record_stays_where_another_is_written(
    client: Client, events: list[Fetch]
) -> None:
    client.get("/one/3/")
    rename(5)
    assert client.get("/one/3/").content == b"Electra"
    rename(3)
    assert client.get("/one/3/").content == b"Taygeta"
    assert pages(events) == ["miss", "hit", "miss"]


def test_that_there_is_none_is_kept_until_there_is_one(client: Client, events: list[Fetch]) -> None:
    assert [client.get("/one/900/").status_code for _ in range(3)] == [404] * 3
    assert pages(events) == ["miss", "miss", "hit"]
    assert events[1].reason.startswith("it is kept from its second sight on")
    Star.objects.create(pk=900, name="Nova")
    assert client.get("/one/900/").content == b"Nova"


@pytest.mark.asyncio
async def test_async_pages(async_database: None, events: list[Fetch]) -> None:
    client = AsyncClient()
    first = (await client.get("/async/")).content
    assert (await client.get("/async/")).content == first
    await Star.objects.filter(pk=3).aupdate(name="Taygeta")
    assert b"Taygeta" in (await client.get("/async/")).content
    assert pages(events) == ["miss", "hit", "miss"]


# --- revalidation


def test_a_browser_that_has_it_is_told_so_without_reading_it(
    client: Client, round_trips: list[list[str]]
) -> None:
    first = client.get("/names/")
    etag = first.headers["ETag"]
    for sent in (etag, f"W/{etag}"):
        round_trips.clear()
        response = client.get("/names/", HTTP_IF_NONE_MATCH=sent)
        assert (response.status_code, response.content) == (304, b"")
        assert round_trips == [["GETRANGE", "MGET"]]  # its seal and the gates, and not the page
        for name in ("ETag", "Cache-Control"):
            assert response.headers[name] == first.headers[name]
    for sent in (f'"a", {etag}', "*"):
        assert client.get("/names/", HTTP_IF_NONE_MATCH=sent).status_code == 304
    assert client.get("/names/", HTTP_IF_NONE_MATCH='"other"').status_code == 200
    rename()
    assert client.get("/names/", HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_head_is_answered_from_what_get_has_left(client: Client, settings: Any) -> None:
    assert client.head("/names/").status_code == 200
    first = client.get("/names/")
    head = client.head("/names/")
    assert (head.headers["ETag"], head.content) == (first.headers["ETag"], b"")
    settings.CACHE_ASIDE = {"ENABLED": False}
    assert "ETag" not in client.head("/names/").headers


# --- what tells pages apart


def test_each_address_has_its_own(client: Client, events: list[Fetch], settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/names/", {}), ("/names/?q=a", {}), ("/names/?q=%61", {}), ("/names/?q=a&q=b", {}),
        ("/names/?q=a&sort=b", {}), ("/names/?sort=b&q=a", {}), ("/names/?q=%FF", {}),
        ("/names/?q=", {}), ("/names/", {"HTTP_HOST": "a.example"}),
        ("/names/", {"HTTP_HOST": "a.example:81"}),
        ("/names/", {"HTTP_X_FORWARDED_PROTO": "https"}),
        ("/names/", {"SCRIPT_NAME": "/under"}),
    ]  # fmt: skip
    shown = [client.get(address, **told).content for address, told in asked]
    assert [client.get(address, **told).content for address, told in asked] == shown
    assert pages(events) == ["miss"] * len(asked) + ["hit"] * len(asked)


@pytest.mark.parametrize(
    ("address", "told", "reason"),
    [
        ("/names/?utm=1", {}, "the parameter 'utm' is none that its view names"),
        ("/names/?q=a&q%00=", {}, "none that its view names"),
        (f"/names/?q={'a' * 2100}", {}, "longer than 2000"),
        ("/names/", {"HTTP_AUTHORIZATION": "Bearer a"}, "Authorization"),
        ("/names/", {"CONTENT_LENGTH": "3"}, "it has a body"),
        ("/names/", {"CONTENT_TYPE": "a/b; charset=latin-1"}, "Content-Type"),
    ],
)
def test_what_has_no_page_of_its_own_is_not_kept(
    client: Client, events: list[Fetch], redis: Any, address: str, told: Any, reason: str
) -> None:
    client.get(address, **told)
    assert pages(events) == ["bypass"]
    assert reason in events[0].reason
    assert not redis.keys("page:*")


def test_a_header_that_is_named_has_a_page_for_each(client: Client, events: list[Fetch]) -> None:
    for _ in range(2):
        for flavour in ("sweet", "sour"):
            response = client.get("/flavoured/", HTTP_X_FLAVOUR=flavour)
            assert response.content.decode() == flavour
            assert response.headers["Vary"].lower() == "x-flavour"
    assert pages(events) == ["miss", "miss", "hit", "hit"]


def instead(get_response: Any) -> Any:
    """A middleware that answers in the view's place."""
    return lambda request: HttpResponse("we are away")


def test_what_another_than_the_view_answers_is_not_kept(
    client: Client, settings: Any, redis: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.instead"]
    assert client.get("/names/").content == b"we are away"
    assert not redis.keys("page:*")


def by_agent(get_response: Any) -> Any:
    """A middleware that looks at the visitor before the view does."""

    def middleware(request: HttpRequest) -> Any:
        request.META["PATH_INFO"] += request.headers.get("User-Agent", "")
        return get_response(request)

    return middleware


def test_what_a_middleware_reads_of_the_visitor_counts(
    client: Client, settings: Any, events: list[Fetch]
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.by_agent"]
    client.get("/shown/")
    assert "User-Agent" in next(event for event in events if event.kind == "page").reason


@pytest.mark.parametrize("before", [True, False])
def test_the_language_is_part_of_the_page(before: bool, client: Client, settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    locale = "django.middleware.locale.LocaleMiddleware"
    middleware = list(settings.MIDDLEWARE)
    settings.MIDDLEWARE = [locale, *middleware] if before else [*middleware, locale]
    for _ in range(2):
        for language in ("de", "en"):
            response = client.get("/shown/", HTTP_ACCEPT_LANGUAGE=language)
            assert response.headers["Content-Language"] == language


TOGETHER = threading.Barrier(2, timeout=10)


@cached_page
def own_page(request: HttpRequest) -> HttpResponse:
    if request.COOKIES["first"]:
        TOGETHER.wait()  # both are in here at once: neither has been given the other's
    return HttpResponse(request.COOKIES["name"])


urlpatterns = [path("own/", own_page)]


def test_two_visitors_at_once(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    Client(HTTP_COOKIE="name=c; first=").get("/own/")  # so that nobody waits for another's page

    def visit(name: str) -> bool:
        response = Client(HTTP_COOKIE=f"name={name}; first=1").get("/own/")
        return response.content.decode() == name

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(visit, "ab")) == [True, True]


# --- releases


def fingerprint() -> str:
    code = (
        "import django; django.setup(); from planets.cache import release; print(release.release())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    return done.stdout.strip()


def test_the_release_is_the_same_in_two_processes() -> None:
    assert fingerprint() == fingerprint()


def test_another_template_setting_or_manifest_is_another_release(
    tmp_path: Path, settings: Any
) -> None:
    seen = {release.release()}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path / "templates"]}]
    (tmp_path / "templates" / "deep").mkdir(parents=True)
    seen.add(release.release())
    template = tmp_path / "templates" / "page.jinja"
    for change in (
        lambda: template.write_text("a"),
        lambda: template.write_text("b"),
        lambda: template.rename(tmp_path / "templates" / "deep" / "page.jinja"),
        lambda: setattr(settings, "SITE_NAME", "another"),
        lambda: setattr(settings, "SITES", {1, 2}),
        lambda: setattr(settings, "STATIC_ROOT", tmp_path),
        lambda: (tmp_path / "staticfiles.json").write_text("{}"),
    ):
        change()
        release._forget()
        seen.add(release.release())
    assert len(seen) == 9
