"""The page of a planet that is not there: kept for a short while, and gone as soon as it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from planets.cache.conf import conf
from planets.cache.events import Fetch
from planets.models import Moon, Planet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system", "redis"),
]


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events if event.kind == "page"]


def test_it_is_kept_for_as_long_as_an_absence(
    client: Client, redis: Any, events: list[Fetch], round_trips: list[list[str]]
) -> None:
    first = client.get("/planets/901/")
    assert not redis.keys("page:*"), "there is no end of such addresses"
    client.get("/planets/901/")
    (key,) = redis.keys("page:*")
    assert redis.ttl(key) <= 1.1 * conf().ABSENT_TTL
    round_trips.clear()
    again = client.get("/planets/901/")
    assert (again.status_code, again.content) == (404, first.content)
    assert len(round_trips) == 1
    assert outcomes(events) == ["miss", "miss", "hit"]


def test_it_is_gone_when_the_planet_is_there(client: Client, redis: Any) -> None:
    for _ in range(3):
        assert client.get("/planets/902/").status_code == 404
    assert redis.keys("page:*")
    Planet.objects.create(pk=902, name="Vulcan")
    page = client.get("/planets/902/")
    assert (page.status_code, b"Vulcan" in page.content) == (200, True)
    Planet.objects.filter(pk=902).delete()
    assert client.get("/planets/902/").status_code == 404


def test_a_moon_leaves_it(client: Client, events: list[Fetch]) -> None:
    for _ in range(2):
        client.get("/planets/903/")
    Moon.objects.create(planet_id=3, name="Lilith")
    client.get("/planets/903/")
    assert outcomes(events) == ["miss", "miss", "hit"]


def test_what_is_asked_for_once_leaves_nothing(client: Client, redis: Any) -> None:
    before = set(redis.keys())
    client.get("/planets/3/")
    client.get("/planets/1999/")  # its page suggests planets, from a list that all such pages share
    kept = set(redis.keys()) | before
    for number in range(2_000, 2_050):
        assert client.get(f"/planets/{number}/").status_code == 404
    assert set(redis.keys()) <= kept
