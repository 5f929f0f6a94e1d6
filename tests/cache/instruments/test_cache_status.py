"""The header Cache-Status: what came of a page's fetches."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from planets.cache.instruments.cache_status import header
from planets.cache.instruments.watch import Watch
from tests.cache.zoo.models import Star

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "zoo_pages"),
]


def get(address: str, **headers: Any) -> Any:
    return Client().get(address, **headers)


def test_the_header_of_a_page(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"NAME": "zoo"}
    settings.MIDDLEWARE = [
        "planets.cache.instruments.cache_status.CacheStatusMiddleware",
        *settings.MIDDLEWARE,
    ]
    assert get("/stars/3/")["Cache-Status"] == 'zoo; fwd=miss; detail="3 misses"'
    assert re.fullmatch(r'zoo; hit; ttl=\d+; detail="3 hits"', get("/stars/3/")["Cache-Status"])
    settings.CACHE_ASIDE = {"ENABLED": False, "NAME": "zoo"}
    assert get("/stars/3/")["Cache-Status"] == 'zoo; fwd=bypass; detail="3 bypasses"'
    assert "Cache-Status" not in get("/nothing/").headers


def test_the_header_needs_no_escaping() -> None:
    """Outcomes are words of ours; no key, SQL or reason gets into a header."""
    with Watch() as watch:
        list(Star.objects.cached().filter(name='"\r\nSet-Cookie: x=1'))
    assert re.fullmatch(r'[\w; ="=]+', header(watch.fetches, watch.outcomes))
