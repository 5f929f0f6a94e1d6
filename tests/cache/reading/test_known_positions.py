"""A position that is noted in a gate changes its bytes and not its generation: what was cached
behind it stays so, and a proof that was remembered is made anew."""

from __future__ import annotations

import pytest
from django.db import connection

from planets.cache.events import Fetch
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from tests.cache.zoo.models import Comet, Star
from tests.support.computing import Process
from tests.support.near import trusted
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

POSITIONS = ("12/0-1-12", "13/0-1-13")


def note(position: str) -> None:
    """As a reader does who has asked the primary."""
    for gate in (keys.database_gate("default"), *(keys.gate("default", t) for t in ("comet",))):
        (reply,) = client.call(("GET", gate))
        token = gates.generation(reply)
        assert token is not None
        assert client.call(gates.stamp(gate, token, position)) == [1]
        assert gates.position(client.call(("GET", gate))[0]) == position


@pytest.mark.parametrize("length", [1, 200])
def test_what_is_behind_it_is_a_hit(length: int, events: list[Fetch]) -> None:
    process = Process(length)
    process.names()
    for position in POSITIONS:
        process.names()
        note(position)
        for _ in range(2):
            process.names()
    assert [event.outcome for event in events if event.kind == "value"] == ["miss"] + ["hit"] * 6
    Comet.objects.create(star_id=4, name="Halley")
    assert process.names().startswith("Electra, 5")


@pytest.mark.usefixtures("near_on")
def test_near_it_is_asked_for_once_more(events: list[Fetch]) -> None:
    def read() -> str:
        list(Star.objects.cached().filter(pk=3))
        list(Comet.objects.cached())
        return process.names()

    process = Process()
    for position in POSITIONS:
        wait_until(lambda: trusted())
        for _ in range(3):
            read()
        assert events[-1].tier == "near"
        note(position)
        for _ in range(3):
            assert read() == "Electra, 4"
    assert {event.outcome for event in events[9:]} == {"hit"}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE star SET name = 'Merope' WHERE id = 3")
    assert read() == "Merope, 4"
