"""The debug toolbar's panel, through the toolbar: what a developer sees of each fetch."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from debug_toolbar.toolbar import DebugToolbar
from django.conf import settings as site
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.test import AsyncClient, Client
from django.urls import include, path
from django.utils.html import strip_tags
from django.views import View

from planets.cache import cached_page, fetched, invalidate, invalidated
from planets.cache.instruments import call_site
from planets.cache.instruments.panel import CacheAsidePanel, judged
from planets.cache.storage import keys
from tests.cache.zoo import views
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import astar, star

CACHE_STATUS = "planets.cache.instruments.cache_status.CacheStatusMiddleware"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis", "toolbar"),
]


def as_json(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"name": star(3).name})  # type: ignore[union-attr]


def as_redirect(request: HttpRequest) -> HttpResponse:
    Star.objects.filter(pk=3).update(name="Taygeta")
    return redirect("/stars/3/")


def bypassing(request: HttpRequest) -> HttpResponse:
    list(Star.objects.cached().order_by("?"))
    list(Star.objects.cached().filter(name="<script>alert(1)</script>"))
    return HttpResponse("<html><body></body></html>")


async def in_async(request: HttpRequest) -> HttpResponse:
    await astar(3)
    return HttpResponse("<html><body>async</body></html>")


class Classy(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("<html><body></body></html>")


urlpatterns = [
    path("json/", as_json),
    path("redirect/", as_redirect),
    path("bypass/", bypassing),
    path("async/", in_async),
    path("marked/<int:star_id>/", cached_page(query=("q",))(views.one)),
    path("classy/", cached_page(Classy.as_view())),
    path("", include("tests.cache.zoo.urls")),
    path("__debug__/", include("debug_toolbar.urls")),
]


@pytest.fixture
def toolbar(settings: Any) -> Iterator[None]:
    settings.DEBUG = True
    settings.ROOT_URLCONF = __name__
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.MIDDLEWARE = ["debug_toolbar.middleware.DebugToolbarMiddleware", *site.MIDDLEWARE]
    settings.DEBUG_TOOLBAR_PANELS = [
        "debug_toolbar.panels.history.HistoryPanel",
        "planets.cache.instruments.panel.CacheAsidePanel",
    ]
    DebugToolbar._panel_classes = None
    yield
    DebugToolbar._panel_classes = None
    # No receivers, no cost: nothing listens when no request is watched.
    assert not fetched.receivers
    assert not invalidated.receivers


def panel_of(client: Client, response: Any) -> str:
    """The panel's content as the toolbar's own script asks for it, later and elsewhere."""
    request_id = response.headers["djdt-request-id"]
    content = client.get(
        "/__debug__/render_panel/",
        {"request_id": request_id, "panel_id": "CacheAsidePanel"},
    )
    return str(json.loads(content.content)["content"])


def test_misses_and_then_hits(client: Client) -> None:
    first = panel_of(client, client.get("/stars/3/"))
    assert first.count('class="outcome miss"') == 3
    invalidate(everything=True)
    client.get("/stars/3/")  # the second load of a process is the first that is no cold one
    second = panel_of(client, client.get("/stars/3/"))
    assert second.count('class="outcome hit"') == 3
    assert '<code class="key">star:3</code>' in second
    # Each hit knows what its load took; on a busy machine a hit may take longer.
    assert "of work saved by these hits" in second or "No work saved: these hits took" in second
    assert "comet" in second
    assert "SELECT" in second


@pytest.mark.parametrize(
    ("saved", "known", "hits", "sentence"),
    [
        (4.3, 1, 1, "About 4.3 ms of work saved by this hit"),
        (4.3, 3, 3, "About 4.3 ms of work saved by these hits"),
        (
            -4.3,
            2,
            3,
            "No work saved: 2 of the 3 hits took about 4.3 ms longer than such loads usually",
        ),
    ],
)
def test_what_hits_saved_is_a_sentence(saved: float, known: int, hits: int, sentence: str) -> None:
    stats = {"saved_ms": saved, "lost_ms": -saved, "known": known, "judged": judged(known, hits)}
    assert sentence in strip_tags(render_to_string(CacheAsidePanel.template, stats))


def test_the_title_line(client: Client) -> None:
    client.get("/stars/3/")
    Star.objects.filter(pk=3).update(mass=1)  # its record and the list of stars
    page = client.get("/stars/3/").content.decode()
    assert "3 fetches: 1 hit, 2 misses, " in page


def test_json_has_it_in_the_history(client: Client) -> None:
    response = client.get("/json/")
    assert response.json() == {"name": "Electra"}
    assert "star:3" in panel_of(client, response)


def test_a_redirect_has_it_and_says_what_was_written(client: Client) -> None:
    star(3)
    response = client.get("/redirect/")
    assert response.status_code == 302
    content = panel_of(client, response)
    assert "Invalidations" in content
    assert f'<code class="key">{keys.gate("default", "star")}</code>' in content
    assert '<code class="key">star:3</code>' in content
    assert "UPDATE" in content
    assert ">landed<" in content


def test_a_bypass_says_why_and_nothing_is_markup(client: Client) -> None:
    content = panel_of(client, client.get("/bypass/"))
    assert 'class="outcome bypass"' in content
    assert "changes by itself" in content
    assert "<script>" not in content


def test_the_time_line_has_a_bar_for_each_step(client: Client) -> None:
    content = panel_of(client, client.get("/marked/3/"))
    line = content.partition("Fetches, in their order")[0]
    assert line.count('<li class="depth-0">') == 1
    assert line.count('<li class="depth-1">') == 3
    for step in ("look", "claim", "load", "fill"):
        assert line.count(f'<rect class="{step}"') == 4
    assert "style=" not in line  # the page's policy lets nothing inline be
    again = panel_of(client, client.get("/marked/3/")).partition("Fetches, in their order")[0]
    assert again.count('<rect class="look"') == 1
    assert '<rect class="claim"' not in again


def test_parameters_are_shown_of_hits_and_of_misses_and_are_no_markup(client: Client) -> None:
    for outcome in ("miss", "hit"):
        content = panel_of(client, client.get("/stars/3/"))
        assert f'class="outcome {outcome}"' in content
        assert "with <code>3</code>" in content
    content = panel_of(client, client.get("/bypass/"))
    assert "with <code>&#x27;&lt;script&gt;alert(1)&lt;/script&gt;&#x27;</code>" in content


def test_a_page_names_its_view_and_not_the_middleware(client: Client) -> None:
    for outcome in ("miss", "hit", "bypass"):
        query = "?other=1" if outcome == "bypass" else ""
        content = panel_of(client, client.get(f"/marked/3/{query}"))
        assert f'class="outcome {outcome}"' in content
        assert re.search(r'<p class="stack">tests/cache/zoo/views\.py:\d+ in one</p>', content)
    content = panel_of(client, client.get("/classy/"))
    assert re.search(
        r'<p class="stack">tests/cache/instruments/test_panel\.py:\d+ in Classy<', content
    )


def test_what_is_no_view_has_no_line() -> None:
    assert call_site.view("/no/such/") == ""
    assert call_site.view("") == ""


@pytest.mark.asyncio
async def test_an_async_view(async_database: None) -> None:
    client = AsyncClient()
    for outcome in ("miss", "hit"):
        response = await client.get("/async/")
        content = await client.get(
            "/__debug__/render_panel/",
            {"request_id": response.headers["djdt-request-id"], "panel_id": "CacheAsidePanel"},
        )
        assert f"outcome {outcome}" in json.loads(content.content)["content"]


@pytest.mark.asyncio
async def test_requests_at_the_same_time_each_see_their_own(
    async_database: None, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        "planets.cache.instruments.cache_status.CacheStatusMiddleware",
        *settings.MIDDLEWARE,
    ]
    client = AsyncClient()
    await client.get("/async/")
    responses = await asyncio.gather(*(client.get("/async/") for _ in range(5)))
    for response in responses:
        assert 'detail="1 hit"' in response["Cache-Status"]
        page = await client.get(
            "/__debug__/render_panel/",
            {"request_id": response.headers["djdt-request-id"], "panel_id": "CacheAsidePanel"},
        )
        assert json.loads(page.content)["content"].count('class="outcome hit"') == 1


def test_enabling_and_disabling_twice_is_as_once() -> None:
    panel = CacheAsidePanel(None, lambda request: HttpResponse())
    for _ in range(2):
        panel.enable_instrumentation()
    star(3)
    for _ in range(2):
        panel.disable_instrumentation()
    star(3)
    assert len(panel.watch.fetches) == 1
