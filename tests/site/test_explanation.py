"""`How this page was made`: its story, its buttons, and that a visitor can do no harm with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_url_caches, include, path

from planets.cache.events import Fetch
from planets.cache.storage.client import client as layer
from planets.explanation import acts, limit, views
from planets.models import Planet
from planetsite.toolbar import is_shown

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system", "redis", "explained"),
]

EARTH = "/explain/?page=/planets/3/"
ADDRESSES = ["/", "/?kind=gas-giant&sort=mass", "/planets/3/", "/planets/97/", "/compare/?planets=3,5",
             "/moons/?q=a"]
ACTS = list(acts.ACTS)

urlpatterns = [path("", include("planets.explanation.urls")), path("", include("planetsite.urls"))]


@pytest.fixture
def explained(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """EXPLAIN_PAGES is on, and nobody has asked for an explanation yet."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    monkeypatch.setattr(views, "limit", limit.Limit(100, 100))
    clear_url_caches()
    yield
    clear_url_caches()


def do(act: str, page: str = "/planets/3/", **more: str) -> str:
    response = Client().post("/explain/", {"act": act, **more}, query_params={"page": page})
    assert response.status_code == 200, response.content
    return response.content.decode()


def outcomes(html: str) -> list[str]:
    return re.findall(r'class="chip (\w+)"', html)


def test_x() -> None:
    for a in ADDRESSES:
        r = Client().get("/explain/", {"page": a})
        assert r.status_code == 200
    for a in ACTS:
        open(f"/tmp/ex_{a}.html", "w").write(do(a, beside="on"))
