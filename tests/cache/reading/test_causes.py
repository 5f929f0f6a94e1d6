"""Why there was nothing to serve, and why nothing was stored: two things, told apart."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import Records, invalidate, remember
from planets.cache.events import Fetch
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.warming import Warmed
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def names() -> list[str]:
    return [each.name for each in Star.objects.cached().order_by("position")]


def total() -> int:
    return int(remember("total", lambda: Star.objects.count() + Comet.objects.count()))


def one() -> str:
    return str(remember("one", lambda: star(3).name))  # type: ignore[union-attr]


def told(event: Fetch) -> tuple[str, str, str]:
    return event.outcome, event.cause, event.reason


def test_the_first_fetch_has_no_cause_and_no_reason(events: list[Fetch]) -> None:
    names()
    total()
    assert [told(event) for event in events] == [("miss", "", ""), ("miss", "", "")]


def test_a_query_tells_which_table_was_written(events: list[Fetch]) -> None:
    names()
    Star.objects.filter(pk=3).update(name="Taygeta")
    names()
    assert told(events[-1]) == ("miss", "table star was written", "")


def test_a_record_tells_that_all_of_its_table_were_invalidated(events: list[Fetch]) -> None:
    star(3)
    invalidate(Star)
    star(3)
    assert told(events[-1]) == ("miss", "the records of table star were invalidated", "")


def test_everything_tells_of_everything(events: list[Fetch]) -> None:
    names()
    total()
    invalidate(everything=True)
    names()
    total()
    assert {told(event) for event in events[-2:]} == {
        ("miss", "all of the database was invalidated", "")
    }


def test_a_value_tells_which_of_its_tables_was_written(events: list[Fetch]) -> None:
    total()
    Comet.objects.filter(star_id=3).update(name="Halley")
    total()
    assert told(events[-1]) == ("miss", "table comet was written", "")
    assert events[-1].tables == ("comet", "star")


def test_a_value_tells_which_record_was_written(events: list[Fetch]) -> None:
    one()
    assert (events[-1].tables, events[-1].records) == (("star",), ("star:3",))
    Star.objects.filter(pk=3).update(name="Taygeta")
    one()
    assert told(events[-1]) == ("miss", "record star:3 was written, or ended", "")
    one()
    assert (events[-1].outcome, events[-1].records) == ("hit", ("star:3",))


def test_a_gate_that_is_closed_is_the_cause_and_the_reason(events: list[Fetch]) -> None:
    total()
    gate = keys.gate("default", "comet")
    client.call(gates.close(gate, "writer"))
    try:
        total()
    finally:
        client.call(gates.open(gate, "writer"))
    outcome, cause, reason = told(events[-1])
    assert (outcome, cause) == ("miss", "table comet is being written")
    assert "in flight" in reason


@pytest.mark.parametrize("what", [names, total])
def test_what_was_unreadable_and_is_filled_anew_counts_as_filled(
    what: Any, redis: Any, events: list[Fetch]
) -> None:
    what()
    redis.set(events[-1].key, "garbage")
    tally = Warmed()
    what()
    tally.hear(events[-1])
    outcome, cause, reason = told(events[-1])
    assert (outcome, reason) == ("miss", "")
    assert cause.startswith("undecodable")
    assert (tally.filled, dict(tally.missed)) == (1, {})


def test_what_cannot_be_stored_has_a_reason_and_no_cause(events: list[Fetch]) -> None:
    remember("odd", lambda: object())
    outcome, cause, reason = told(events[-1])
    assert (outcome, cause) == ("miss", "")
    assert reason.startswith("not stored: ")


def test_a_record_in_a_batch_has_a_cause_of_its_own(events: list[Fetch]) -> None:
    records: Records[Star] = Star.records
    records.get_many([1, 2])
    invalidate(Star)
    records.get(1)
    events.clear()
    records.get_many([1, 2])
    by_key = {event.key: told(event) for event in events}
    assert by_key["star:1"] == ("hit", "", "")
    assert by_key["star:2"][1] == "the records of table star were invalidated"
