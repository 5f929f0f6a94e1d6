"""The site's pages through the cache: what they ask, and that they stay up."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from planets.cache.warming import JOBS, warm
from planets.models import Planet
from tests.support.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]


@pytest.mark.parametrize(
    ("address", "trips"),
    [
        ("/", 1),
        ("/planets/3/", 1),
        ("/compare/?planets=3,5,8", 1),
        ("/moons/", 1),
    ],
)
def test_a_page_that_was_seen_before_asks_the_database_nothing(
    redis: Any,
    client: Client,
    round_trips: list[list[str]],
    django_assert_num_queries: Any,
    address: str,
    trips: int,
) -> None:
    first = client.get(address, secure=True).content
    round_trips.clear()
    with django_assert_num_queries(0):
        assert client.get(address, secure=True).content == first
    assert len(round_trips) == trips


def test_warmed_pages_ask_the_database_nothing_of_planets(
    redis: Any, client: Client, django_assert_num_queries: Any
) -> None:
    list(warm([job for name in JOBS for job in JOBS[name]()], workers=2))

    for path in ("/", "/?kind=gas-giant&sort=mass&order=desc", "/planets/3/", "/moons/"):
        with django_assert_num_queries(0):
            assert client.get(path).status_code == 200


def test_pages_stay_up(own: Redis, client: Client) -> None:
    pages = ["/", "/planets/3/", "/compare/?planets=3,5", "/moons/"]
    for how in ("up", "down"):
        if how == "down":
            own.stop()
        for page in pages:
            assert client.get(page, secure=True).status_code == 200, (page, how)
    assert client.get("/planets/99/", secure=True).status_code == 404


def test_a_change_in_the_admin_is_on_every_page_at_once(redis: Any, admin_client: Client) -> None:
    pages = ["/", "/planets/3/", "/compare/?planets=3,5", "/moons/"]
    for page in pages:
        assert b"Earth" in admin_client.get(page).content
    address = "/admin/planets/planet/3/change/"
    form = admin_client.get(address).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {"name": "Terra", "moons-TOTAL_FORMS": 0, "moons-INITIAL_FORMS": 0}
    response = admin_client.post(address, data)
    assert response.status_code == 302, response.context["errors"]
    for page in pages:
        assert b"Terra" in admin_client.get(page).content
    admin_client.post(
        "/admin/planets/planet/",
        {"action": "delete_selected", "_selected_action": [3, 4], "post": "yes"},
    )
    assert Planet.objects.count() == 6
    assert b"Terra" not in admin_client.get("/").content
