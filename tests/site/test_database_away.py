"""The site while its database is really gone: nothing listens, or the file's folder is missing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connections
from django.http import HttpResponse
from django.test import Client

from planetsite.database_away import RETRY_AFTER, connected, is_away

pytestmark = pytest.mark.django_db


def get_in_a_thread(address: str) -> HttpResponse:
    def get() -> HttpResponse:
        try:
            return Client().get(address)  # type: ignore[return-value]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(get).result()


@pytest.mark.parametrize("address", ["/", "/planets/3/", "/compare/?planets=3", "/moons/?q=a"])
def test_a_page_is_a_503_that_says_when_to_come_back(
    database_away: None, address: str, caplog: pytest.LogCaptureFixture, redis: Any
) -> None:
    response = get_in_a_thread(address)

    assert (response.status_code, response["Retry-After"]) == (503, str(RETRY_AFTER))
    assert "The planets are out of reach for a moment" in response.content.decode()
    assert "The database is away:" in caplog.text


def test_an_outage_is_a_line_when_it_begins_and_one_when_it_ends(
    database_away: None, caplog: pytest.LogCaptureFixture, redis: Any
) -> None:
    for _ in range(3):
        assert get_in_a_thread("/").status_code == 503
    connected()
    connected()

    # And no "Service Unavailable" of Django's for each.
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "The database is away",
        "The database is back",
    ]


@pytest.mark.parametrize("address", ["/", "/planets/3/", "/compare/?planets=3", "/moons/?q=a"])
def test_a_page_that_is_cached_is_served_without_the_database(
    solar_system: None, redis: Any, database_away: None, address: str
) -> None:
    for _ in range(2):  # a search is kept from its second sight on
        Client().get(address)  # this thread still has its connection
    assert get_in_a_thread(address).status_code == 200


def test_a_page_that_needs_no_database_is_still_there(database_away: None) -> None:
    assert get_in_a_thread("/no/such/page/").status_code == 404


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError(2013, "Lost connection"), True),
        (OperationalError(1040, "Too many connections"), True),
        (OperationalError("database is locked"), True),
        (InterfaceError(0, ""), True),
        (OperationalError(1054, "Unknown column"), False),
        (OperationalError("no such table: planet"), False),
        (OperationalError(), False),
        (ProgrammingError(1146, "No such table"), False),
        (ValueError(2013), False),
    ],
)
def test_only_an_absent_database_is_away(error: Exception, away: bool) -> None:
    assert is_away(error) is away
