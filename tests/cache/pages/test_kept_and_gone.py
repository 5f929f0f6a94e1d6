"""A page that the process keeps, because it served it twice, and that is not in Redis any more."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from planets.cache import stats
from planets.cache.events import Fetch
from planets.cache.invalidation import drop, expire

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.mark.parametrize(
    ("end", "told"), [(expire, "expired 0.0 s ago"), (drop, "evicted, flushed or deleted: ")]
)
def test_it_is_absent_and_not_unreadable(
    settings: Any, events: list[Fetch], end: Any, told: str
) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"
    for _ in range(4):
        Client().get("/stars/3/")
    unreadable = stats.counts().get(("page", "undecodable"), 0)
    assert events[-1].outcome == "hit"
    assert end(events[-1].key)
    Client().get("/stars/3/")
    assert (events[-1].kind, events[-1].cause) == ("page", "")
    assert events[-1].memory.startswith(told)
    assert stats.counts().get(("page", "undecodable"), 0) == unreadable
