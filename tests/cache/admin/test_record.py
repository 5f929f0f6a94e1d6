"""What a row's own page in the admin says of its record."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from planets.cache.storage import keys
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.admin import logged_in, text

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "zoo_pages"),
]


@pytest.fixture
def operator() -> Client:
    return logged_in("view_cache", "invalidate_cache")


def test_a_stars_page_tells_of_its_record(redis: Any) -> None:
    client = logged_in("view_cache", "view_star", "change_star")
    page = "/admin/zoo/star/3/change/"
    assert "not cached" in text(client.get(page))

    star(3)
    assert 'class="state current"' in text(client.get(page))
    assert "TTL left: " in text(client.get(page))
    assert "invalidate/" not in text(client.get(page))

    Star.objects.filter(name="Maia").update(name="Alcor")
    assert 'class="state stale"' in text(client.get(page))


def test_a_stars_page_tells_nothing_to_those_who_may_not_look(redis: Any) -> None:
    client = logged_in("change_star", "view_star")

    assert "star:3" not in text(client.get("/admin/zoo/star/3/change/"))
    assert client.post("/admin/zoo/star/3/invalidate/").status_code == 403


def test_a_stars_record_is_invalidated_from_its_page(redis: Any) -> None:
    star(3)
    client = logged_in("view_cache", "invalidate_cache", "view_star", "change_star")
    path = "/admin/zoo/star/3/invalidate/"
    assert path in text(client.get("/admin/zoo/star/3/change/"))
    assert client.get(path).status_code == 405

    response = client.post(path, follow=True)

    assert "The record star:3" in text(response)
    assert not redis.exists("star:3", keys.gate("default", "star"))
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.object_id) == ("Electra", "3")


def test_there_is_no_record_of_a_star_that_is_not_there(redis: Any, operator: Client) -> None:
    assert operator.post("/admin/zoo/star/99/invalidate/").status_code == 404
    assert operator.post("/admin/zoo/star/x/invalidate/").status_code == 404


def test_a_stars_page_renders_without_redis(no_redis: None) -> None:
    client = logged_in("view_cache", "invalidate_cache", "view_star", "change_star")

    assert "Redis is not reachable" in text(client.get("/admin/zoo/star/3/change/"))
