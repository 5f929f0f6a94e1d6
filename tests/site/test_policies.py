"""What pages may load, what DEBUG shows of the settings, what browsers are asked to keep."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils.translation import gettext_lazy
from django.views.debug import get_default_exception_reporter_filter, technical_500_response

from planetsite.hiding import HIDDEN, PasswordsFilter
from tests.support.interleave import elsewhere

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

INLINE = re.compile(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon\w+=|javascript:", re.I)
PUBLIC = (
    "/",
    "/?q=a&kind=dwarf",
    "/planets/3/",
    "/planets/99/",
    "/compare/?planets=3,x",
    "/moons/",
)
ADMIN = (
    "/admin/",
    "/admin/planets/planet/",
    "/admin/planets/planet/3/change/",
    "/admin/planets/planet/3/delete/",
    "/admin/planets/moon/add/",
    "/admin/cache_aside/cache/",
    "/admin/cache_aside/cache/keys/",
    "/admin/cache_aside/cache/planet_3A3/change/",
    "/admin/password_change/",
)


def policy(response: Any) -> dict[str, str]:
    parts = response["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("address", [*PUBLIC, *ADMIN, "/no/such/page/", "/admin/login/"])
def test_a_page_may_load_its_own_files_and_nothing_inline(
    redis: Any, admin_client: Client, address: str
) -> None:
    client = admin_client if address in ADMIN else Client()
    response = client.get(address)
    assert response.status_code in (200, 404)
    found = policy(response)
    assert found["default-src"] == found["base-uri"] == found["frame-ancestors"] == "'none'"
    assert {found[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not INLINE.search(response.content.decode())


def test_so_may_a_page_without_the_database(redis: Any, database_away: None) -> None:
    response = elsewhere(lambda: Client().get("/"))
    assert response.status_code == 503
    assert policy(response)["default-src"] == "'none'"


@pytest.mark.parametrize(
    "address",
    [
        "redis://:secret@h:6379/0",
        "redis://user:se@secret@h:6379/0",
        "rediss://secret@h/0",
        "unix://:secret@/run/redis.sock?db=0",
        "redis://h:6379/0?db=1&password=secret",
        "redis://h/0?username=secret&db=0",
        "redis://:secret@a:1/0,redis://:secret@b:1/0",
    ],
)
def test_no_password_in_an_address_is_shown_by_debug(settings: Any, address: str) -> None:
    settings.REDIS_URL = address
    settings.CACHES = {**settings.CACHES, "default": {"LOCATION": address, "OPTIONS": {}}}
    settings.SENTINELS = [(address, {"x": [address]})]
    shown = get_default_exception_reporter_filter().get_safe_settings()
    for name in ("REDIS_URL", "CACHES", "SENTINELS"):
        assert "secret" not in str(shown[name])
        assert HIDDEN in str(shown[name])


def test_what_is_no_address_with_a_password_is_shown_as_it_is() -> None:
    cleanse = PasswordsFilter().cleanse_setting
    for value in ("redis://h:6379/0", "a@b", "https://planets.example.org", 5, None, True):
        assert cleanse("X", value) == value
    assert cleanse("X", gettext_lazy("a")) == "a"
    assert cleanse("X", ["a", ("b", 1)]) == ["a", ("b", 1)]
    assert cleanse("SECRET_KEY", "x") == HIDDEN


def test_nor_on_the_page_of_an_error(settings: Any) -> None:
    """runserver hands on its environment, REDIS_URL among it, in request.META."""
    settings.DEBUG = True
    settings.REDIS_URL = "redis://:secret@h:6379/0"
    request = RequestFactory().get("/", REDIS_URL=settings.REDIS_URL)
    page = technical_500_response(request, ValueError, ValueError("x"), None).content.decode()
    assert "h:6379/0" in page
    assert "secret@" not in page


def test_the_toolbar_shows_the_settings_so(settings: Any) -> None:
    from debug_toolbar.panels.settings import get_safe_settings

    settings.REDIS_URL = "redis://:secret@h:6379/0"
    assert get_safe_settings()["REDIS_URL"] == f"redis://{HIDDEN}@h:6379/0"
