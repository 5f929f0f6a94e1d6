"""Pages, fragments and values, opened by an operator."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from planets.cache.instruments.content import Content
from planets.cache.instruments.inspection import opened
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.cache.zoo.pages import heaviest, piece

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.pages"


def of_kind(redis: Any, kind: str) -> tuple[str, Content]:
    (key,) = redis.keys(f"{kind}:*")
    found = opened(key)
    assert found is not None
    return key, found.content


def test_a_page_shows_its_path_status_headers_body_and_what_it_stands_on(redis: Any) -> None:
    Client().get("/stars/3/")

    _, content = of_kind(redis, "page")

    assert (content.state, content.name, content.tables) == ("current", "/stars/3/", ("star",))
    assert content.fields["Status"] == "200"
    assert content.fields["Content-Type"].startswith("text/html")
    assert "<li>Electra</li>" in content.text
    grounds = {ground.name: (ground.what, ground.changed) for ground in content.stands_on}
    assert grounds["star:3"] == ("a record", "")
    assert grounds[keys.database_gate("default")] == ("all of the database", "")


def test_a_stale_one_names_what_was_written(redis: Any) -> None:
    Client().get("/stars/3/")
    Star.objects.filter(pk=3).update(name="Taygeta")

    _, content = of_kind(redis, "page")

    assert content.state == "stale"
    assert "record star:3 was written" in content.why


def test_one_is_closed_while_a_write_is_in_flight(redis: Any) -> None:
    heaviest()
    gate = keys.gate("default", "star")
    client.call(gates.close(gate, "writer"))
    try:
        assert of_kind(redis, "value")[1].state == "closed"
    finally:
        client.call(gates.open(gate, "writer"))


def test_a_fragment_and_a_value_show_their_name_and_text(redis: Any) -> None:
    name = heaviest()
    piece()

    _, value = of_kind(redis, "value")
    _, fragment = of_kind(redis, "fragment")

    assert (value.name, value.text, value.state) == ("heaviest", repr(name), "current")
    assert (fragment.name, fragment.text, fragment.state) == ("piece", "<b>8</b>", "current")


def test_an_altered_one_is_unreadable(redis: Any) -> None:
    heaviest()
    (key,) = redis.keys("value:*")
    redis.append(key, "x")
    assert of_kind(redis, "value")[1].state == "unreadable"


def test_the_command_shows_it_and_deletes_it_by_its_key(redis: Any) -> None:
    Client().get("/stars/")
    (key,) = redis.keys("page:*")
    out = StringIO()
    call_command("show_cache", "--key", key, stdout=out)
    assert "/stars/" in out.getvalue()
    assert "table star" in out.getvalue()

    call_command("invalidate_cache", key, "--dry-run", stdout=out)
    assert redis.exists(key)
    call_command("invalidate_cache", key, stdout=out)
    assert not redis.exists(key)
    assert out.getvalue().endswith(f"Invalidated {key}\n")
