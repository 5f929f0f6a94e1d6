"""The site's public pages are the same for all: for an admin, with messages, with the toolbar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from debug_toolbar.toolbar import DebugToolbar
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path

from planets.cache import disabled
from planets.cache.events import Fetch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system", "redis"),
]

PAGES = ["/", "/?kind=gas-giant", "/planets/3/", "/compare/?planets=3,5", "/moons/", "/planets/97/"]

urlpatterns = [
    path("", include("planetsite.urls")),
    path("__debug__/", include("debug_toolbar.urls")),
]


def plain(address: str) -> Any:
    """What anybody would get without the cache."""
    with disabled():
        return Client().get(address)


def with_message(client: Client) -> None:
    """A message of the admin's that is yet to be shown."""
    storage, response = CookieStorage(RequestFactory().get("/")), HttpResponse()
    storage.add(messages.INFO, "A secret of the admin.")
    storage.update(response)
    client.cookies.update(response.cookies)


@pytest.mark.parametrize("address", PAGES)
def test_what_an_admin_was_shown_is_what_all_are_shown(
    address: str, admin_client: Client, events: list[Fetch]
) -> None:
    with_message(admin_client)
    right = plain(address)
    events.clear()
    for client in (admin_client, admin_client, Client(), Client()):
        response = client.get(address)
        assert response.content == right.content
        assert not response.cookies
        assert "Cookie" not in response.headers.get("Vary", "")
        assert b"csrfmiddlewaretoken" not in response.content
    assert "hit" in {event.outcome for event in events if event.kind == "page"}


@pytest.mark.parametrize("first", ["admin", "nobody"])
def test_who_asks_first_makes_no_difference(first: str, admin_client: Client) -> None:
    browsers = [admin_client, Client()] if first == "admin" else [Client(), admin_client]
    shown = [browser.get(page).content for page in PAGES for browser in browsers]
    assert shown[::2] == shown[1::2]


@pytest.mark.parametrize("page", ["/admin/", "/admin/planets/planet/", "/admin/login/"])
def test_no_page_of_the_admin_is_kept(page: str, admin_client: Client, redis: Any) -> None:
    assert admin_client.get(page, follow=True).status_code == 200
    assert not redis.keys("page:*")
    assert Client().get(page, follow=True).request["PATH_INFO"] == "/admin/login/"


@pytest.fixture
def toolbar(settings: Any) -> Iterator[None]:
    settings.DEBUG = True
    settings.ROOT_URLCONF, settings.INTERNAL_IPS = __name__, ["127.0.0.1"]
    settings.MIDDLEWARE = [
        "debug_toolbar.middleware.DebugToolbarMiddleware",
        *settings.MIDDLEWARE,
    ]
    settings.DEBUG_TOOLBAR_PANELS = ["planets.cache.instruments.panel.CacheAsidePanel"]
    DebugToolbar._panel_classes = None
    yield
    DebugToolbar._panel_classes = None


def test_the_toolbar_of_one_is_on_no_page_of_another(toolbar: None, redis: Any) -> None:
    mine, theirs = Client(), Client(REMOTE_ADDR="10.1.2.3")
    for _ in range(2):
        assert b"djDebug" in mine.get("/planets/3/").content
        assert b"djDebug" not in theirs.get("/planets/3/").content
    assert redis.keys("page:*")
