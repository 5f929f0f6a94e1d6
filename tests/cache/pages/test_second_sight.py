"""Pages that anybody can vary without end: kept where they are asked for again."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from planets.cache import cached_page
from planets.cache.events import Fetch
from planets.cache.reading import sight
from planets.cache.recent import Recent
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@cached_page(query=("q",), second_sight=True, statuses={200: None, 404: 30})
def search(request: HttpRequest) -> HttpResponse:
    found = list(Star.objects.filter(name__icontains=request.GET.get("q", "")))
    return HttpResponse(f"{len(found)} found", status=200 if found else 404)


@cached_page(query=("q",), second_sight=True)
async def asearch(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{await Star.objects.acount()} there")


urlpatterns = [path("search/", search), path("asearch/", asearch)]


@pytest.fixture(autouse=True)
def these_pages(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(sight, "_seen", Recent[str, bool](sight.REMEMBERED))


@pytest.mark.parametrize("asked", ["elec", "nobody"])
def test_a_page_and_an_absent_one(
    redis: Any, client: Client, events: list[Fetch], asked: str
) -> None:
    for _ in range(3):
        client.get("/search/", {"q": asked})
    pages = [event for event in events if event.kind == "page"]
    assert [page.outcome for page in pages] == ["miss", "miss", "hit"]
    assert [page.reason for page in pages] == [sight.FIRST_SIGHT, "", ""]


def test_what_nobody_asks_again_leaves_no_page_and_no_lease(redis: Any, client: Client) -> None:
    for number in range(50):
        client.get("/search/", {"q": f"x{number}"})
    assert redis.keys("page:*") == redis.keys("lease:*") == []


def test_a_second_sight_after_a_write_is_kept(client: Client, events: list[Fetch]) -> None:
    for _ in range(3):
        client.get("/search/", {"q": "elec"})
    Star.objects.filter(pk=3).update(name="Taygeta")
    events.clear()
    assert client.get("/search/", {"q": "elec"}).status_code == 404
    assert client.get("/search/", {"q": "elec"}).status_code == 404
    assert [event.outcome for event in events if event.kind == "page"] == ["miss", "hit"]


@pytest.mark.asyncio
async def test_async(async_database: None, events: list[Fetch]) -> None:
    client = AsyncClient()
    for _ in range(3):
        await client.get("/asearch/", {"q": "a"})
    pages = [event.outcome for event in events if event.kind == "page"]
    assert pages == ["miss", "miss", "hit"]
    await sync_to_async(connections.close_all)()
