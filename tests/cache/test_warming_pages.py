"""warm_cache asks for the pages that the site names, as a visitor does."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from planets.cache.events import Fetch
from tests.cache.zoo import pages

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.CACHE_ASIDE = {"READS": "tests.cache.zoo.pages"}
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"
    settings.ALLOWED_HOSTS = ["stars.example.org", "old.example.org"]


def warm(*args: str) -> dict[str, Any]:
    out = StringIO()
    call_command("warm_cache", *args, "--workers", "1", "--format", "json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.parametrize("secure", [False, True])
def test_a_page_that_was_warmed_is_a_hit_for_the_first_visitor(
    secure: bool, settings: Any, events: list[Fetch]
) -> None:
    settings.SECURE_SSL_REDIRECT = secure
    warm("pages")
    events.clear()
    for address in pages.pages():
        Client(headers={"host": "stars.example.org"}).get(address, secure=secure)
    assert [(event.kind, event.outcome) for event in events] == [("page", "hit")] * 3


def test_each_host_has_pages_of_its_own(redis: Any) -> None:
    warm("pages", "--host", "stars.example.org", "--host", "old.example.org")
    assert len(redis.keys("page:*")) == 6
    with pytest.raises(CommandError, match=r"--host is 'other.org', must be one of ALLOWED_HOSTS"):
        warm("pages", "--host", "other.org")


def test_to_warm_again_finds_them_warm() -> None:
    warm("pages")
    assert warm("pages") == {"warm": 3, "filled": 0, "missed": {}}


def test_an_address_that_is_no_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "pages", lambda: iter(["/zoo/nowhere/"]))
    with pytest.raises(CommandError, match="'/zoo/nowhere/' answers 404"):
        warm("pages")


def test_a_page_that_is_not_stored_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "pages", lambda: iter(["/personal/"]))
    with pytest.raises(
        CommandError, match=r"1 are not in the cache .*reads .session. of the request"
    ):
        warm("pages")
