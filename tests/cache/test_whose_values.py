"""What was computed from one database is not another's, though all else is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from planets.cache import fragments, remember
from planets.cache.pages.address import address_of, around_of
from planets.cache.pages.marking import Policy
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """The settings of this process name another database from the call on."""
    settings = connections.settings["default"]
    name = settings["NAME"]

    def move() -> None:
        settings["NAME"] = f"{name}_of_staging"

    yield move
    settings["NAME"] = name


@pytest.fixture
def archive() -> Iterator[Any]:
    """There is a second database, of which the settings name another from the call on."""
    connections.settings["archive"] = {**connections.settings["default"]}
    yield lambda: connections.settings["archive"].update(NAME="another")
    del connections.settings["archive"]


def value(made: str) -> str:
    def make() -> str:
        Star.objects.cached().count()
        return made

    return remember("whose", make)


def fragment(made: str) -> str:
    return str(fragments.fragment("whose", (), lambda: made))


@pytest.mark.parametrize("moves", ["elsewhere", "archive"])
@pytest.mark.parametrize("get", [value, fragment])
def test_a_value_and_a_fragment_are_of_their_databases(request: Any, moves: str, get: Any) -> None:
    move = request.getfixturevalue(moves)
    assert get("production") == get("what is not made") == "production"
    move()
    assert get("staging") == "staging"


@pytest.mark.parametrize("moves", ["elsewhere", "archive"])
def test_a_page_is_of_its_databases(
    request: Any, client: Client, settings: Any, redis: Any, moves: str
) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.urls"
    move = request.getfixturevalue(moves)
    asked = client.get("/stars/").wsgi_request
    before = address_of(asked, Policy(), around_of(asked)).key()
    assert address_of(asked, Policy(), around_of(asked)).key() == before
    move()
    assert address_of(asked, Policy(), around_of(asked)).key() != before
