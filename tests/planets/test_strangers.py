"""What anybody can send: addresses of a megabyte, and different ones without end."""

from __future__ import annotations

import random
import time
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from planets.managers import BRIEF_TTL
from planets.pages.comparison import LARGEST_ID, MOST, parse

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]

MEGABYTE = 1_000_000
# A page of ordinary length takes some milliseconds; reading each part of a megabyte with all others
# takes minutes.
SOON = 2.0  # seconds
IDS = ",".join(map(str, range(1, 150_000)))
SHORT = 150_000  # characters; the longest page of this site has 60,000


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=name)
        for name, query in {
            "many ids": f"planets={IDS}",
            "one id many times": "planets=" + "3," * (MEGABYTE // 2),
            "many words": "planets=" + "x," * (MEGABYTE // 2),
            "one word": "planets=" + "x" * MEGABYTE,
            "one number": "planets=" + "9" * MEGABYTE,
            "commas": "planets=" + "," * MEGABYTE,
            "spaces": "planets=" + "+" * MEGABYTE,
            "boxes": "&".join(f"planets={'3,' * 500}" for _ in range(999)),
            "a search": "q=" + "x" * MEGABYTE,
            "a choice": "sort=" + "x" * MEGABYTE + "&kind=" + "y" * MEGABYTE,
            "a planet's moons": "planet=" + "9" * MEGABYTE,
            "a name": "x" * MEGABYTE + "=1",
            "percent signs": "q=" + "%" * MEGABYTE,
        }.items()
    ],
)
@pytest.mark.parametrize("address", ["/", "/compare/", "/moons/", "/planets/3/"])
def test_a_megabyte_of_address_is_answered_soon_and_shortly(
    redis: Any, client: Client, address: str, query: str
) -> None:
    client.get(address)
    began = time.process_time()
    response = client.get(address, QUERY_STRING=query)
    assert time.process_time() - began < SOON
    assert response.status_code == 200
    assert len(response.content) < SHORT


def test_too_many_fields_are_refused(client: Client) -> None:
    assert client.get("/", QUERY_STRING="&".join(["q=x"] * 100_000)).status_code == 400


def test_half_a_number_is_no_number() -> None:
    """The reading ends within one: what is left of it must not be taken for another planet."""
    choice = parse([" " * 990 + ",1234567890"])
    assert choice.ids == []
    assert parse([f"{'x,' * 480}77{',3' * 100}"]).problems[MOST:] == [
        "At most 12 planets fit side by side; the rest are left out."
    ]


def test_ids_that_do_not_exist_leave_nothing_in_the_cache(redis: Any, client: Client) -> None:
    for address in ("/compare/?planets=1,2", "/planets/3/", "/planets/99/"):
        client.get(address)
    before = {*redis.keys()}
    chance = random.Random(1)
    for _ in range(20):
        ids = [chance.randint(100, LARGEST_ID) for _ in range(MOST)]
        page = client.get(f"/compare/?planets={','.join(map(str, ids))}")
        assert f"There is no planet number {ids[0]}." in page.content.decode()
        assert client.get(f"/planets/{ids[0]}/").status_code == 404
    assert {*redis.keys()} == before


@pytest.mark.parametrize("address", ["/?q={}", "/moons/?q={}", "/?q={}&sort=mass&order=desc"])
def test_a_search_is_kept_briefly_from_second_sight_on(
    redis: Any, client: Client, address: str
) -> None:
    client.get(address.format(""))
    before = {*redis.keys("sql:*")}
    new: set[str] = set()
    for number in range(5):
        name = f"x{number} of {address}"
        client.get(address.format(quote(name)))
        assert {*redis.keys("sql:*")} - before == new
        client.get(address.format(quote(name)))
        new = {*redis.keys("sql:*")} - before
    assert len(new) in (5, 10)  # the rows; of moons their count, too
    assert all(redis.ttl(key) <= 1.1 * BRIEF_TTL for key in new)
    assert all(redis.ttl(key) > 1.1 * BRIEF_TTL for key in before)


FEW = (
    *(
        "/",
        "/?kind=gas-giant",
        "/?sort=name",
        "/?q=&kind=&sort=mass&order=desc&method=&star=&year=",
    ),
    *("/moons/", "/moons/?planet=3", "/moons/?q=&planet=&sort=radius&order=asc", "/planets/3/"),
)
ENDLESS = (
    *("/?q=a", "/?q=+", "/?sort=xyz", "/?kind=gas-giant&kind=gas-giant", "/?kind=gas-giant&"),
    *("/?sort=mass&kind=gas-giant", "/?kind=gas%2Dgiant", "/?&sort=mass", "/?other=1"),
    *("/moons/?q=a", "/moons/?planet=%33", "/moons/?planet=03", "/moons/?sort=name&planet=3"),
    *("/planets/991/", "/planets/3/?a=1"),
)


@pytest.mark.parametrize(
    ("address", "few"), [*((a, True) for a in FEW), *((a, False) for a in ENDLESS)]
)
def test_a_page_is_kept_whose_address_is_one_of_few(
    redis: Any, client: Client, address: str, few: bool
) -> None:
    """There is no end of the others, and a page is as large as all the entries in it."""
    response = client.get(address)
    assert response.status_code == (404 if "99" in address else 200)
    assert bool(redis.keys("page:*")) is few


def test_a_comparison_is_kept_briefly_and_not_with_what_is_wrong_in_it(
    redis: Any, client: Client
) -> None:
    client.get("/compare/?planets=5,3")
    (key,) = redis.keys("page:*")
    assert redis.ttl(key) <= 1.1 * BRIEF_TTL
    client.get("/compare/?planets=5,99")
    client.get("/compare/?planets=5,x")
    assert redis.keys("page:*") == [key]
