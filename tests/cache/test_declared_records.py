"""`records = Records()` in a class: whoever writes keeps them fresh, whatever it has loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from planets.cache import Records, records
from planets.cache.events import Fetch
from planets.cache.storage import keys
from tests.cache.zoo.models import Keeper, Recorded, Ticket, Visitor
from tests.support.program import Program, set_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> Iterator[Program]:
    """A process that has loaded the models and has read nothing."""
    with Program() as program:
        apps = ["planets.cache", "tests.cache.zoo"]
        program(set_up(INSTALLED_APPS=apps, CACHES=settings.CACHES))
        program("from tests.cache.zoo.models import *")
        yield program


@pytest.fixture
def stranger() -> Iterator[Program]:
    """A process that writes through Django, and has loaded none of the models."""
    with Program() as program:
        program(set_up(INSTALLED_APPS=["planets.cache"], CACHES=settings.CACHES))
        program("from django.db import connection")
        yield program


@pytest.fixture
def tickets(monkeypatch: pytest.MonkeyPatch) -> Records[Ticket]:
    """The records of somebody else's model, for the time of a test."""
    monkeypatch.setattr(keys, "RECORDS", dict(keys.RECORDS))
    monkeypatch.setattr(records, "BY_TABLE", dict(records.BY_TABLE))
    return Records(Ticket)


def names(found: dict[int, Any]) -> list[str]:
    return [one.name for one in found.values()]


def test_a_writer_that_never_read_deletes_the_record_of_the_row(
    redis: Any, events: list[Fetch], writer: Program
) -> None:
    ann, ben = Visitor.objects.create(name="Ann"), Visitor.objects.create(name="Ben")
    Visitor.records.get_many([ann.pk, ben.pk])

    writer(f"Visitor.objects.filter(pk={ann.pk}).update(name='Anna')")

    assert redis.keys("zoo_visitor:*") == [f"zoo_visitor:{ben.pk}"]
    events.clear()
    assert names(Visitor.records.get_many([ann.pk, ben.pk])) == ["Anna", "Ben"]
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_a_model_has_the_records_that_its_abstract_base_declares(
    redis: Any, events: list[Fetch], writer: Program
) -> None:
    ann = Keeper.objects.create(name="Ann")
    Keeper.records.get(ann.pk)
    assert redis.exists(f"zoo_keeper:{ann.pk}")

    writer(f"keeper = Keeper.objects.get(pk={ann.pk}); keeper.name = 'Anna'; keeper.save()")

    assert not redis.exists(f"zoo_keeper:{ann.pk}")
    assert Keeper.records.get(ann.pk).name == "Anna"  # type: ignore[union-attr]
    assert Keeper.records.model is Keeper
    assert Keeper.records is not Recorded.records


def test_an_abstract_base_has_no_records_of_its_own() -> None:
    assert not hasattr(Recorded.records, "model")
    assert "zoo_recorded" not in keys.RECORDS


def test_somebody_elses_model_can_have_records(
    redis: Any, events: list[Fetch], tickets: Records[Ticket]
) -> None:
    ticket = Ticket.objects.create(price=5)
    tickets.get(ticket.pk)

    Ticket.objects.filter(pk=ticket.pk).update(price=6)

    assert not redis.exists(f"zoo_ticket:{ticket.pk}")
    assert tickets.get(ticket.pk).price == 6  # type: ignore[union-attr]
    assert [event.outcome for event in events] == ["miss", "miss"]


def test_a_writer_that_has_not_declared_them_moves_the_generation_of_all_records(
    redis: Any, events: list[Fetch], writer: Program, tickets: Records[Ticket]
) -> None:
    dear, cheap = Ticket.objects.create(price=50), Ticket.objects.create(price=5)
    tickets.get_many([dear.pk, cheap.pk])
    gate = keys.records_gate("default", "zoo_ticket")
    before = redis.get(gate)

    writer(f"Ticket.objects.filter(pk={dear.pk}).update(price=60)")

    assert before
    assert redis.get(gate) != before
    events.clear()
    found = tickets.get_many([dear.pk, cheap.pk])
    assert [ticket.price for ticket in found.values()] == [60, 5]
    assert [event.outcome for event in events] == ["miss", "miss"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE zoo_visitor SET name = 'Anna' WHERE id = {pk}",
        "UPDATE zoo_visitor SET name = 'Anna'",
        "DELETE FROM zoo_visitor WHERE id = {pk}",
        "REPLACE INTO zoo_visitor (id, name) VALUES ({pk}, 'Anna')",
    ],
)
def test_a_writer_that_has_not_even_loaded_the_model_does_too(
    redis: Any, stranger: Program, statement: str
) -> None:
    ann = Visitor.objects.create(name="Ann")
    Visitor.records.get(ann.pk)

    stranger(f"connection.cursor().execute({statement.format(pk=ann.pk)!r})")

    fresh = Visitor.objects.filter(pk=ann.pk).values_list("name", flat=True).first()
    found = Visitor.records.get(ann.pk)
    assert (found.name if found else None) == fresh != "Ann"


def test_an_absence_goes_when_a_stranger_creates_the_row(redis: Any, stranger: Program) -> None:
    assert Visitor.records.get(7) is None

    stranger("connection.cursor().execute(\"INSERT INTO zoo_visitor VALUES (7, 'Ann')\")")

    assert Visitor.records.get(7)


def test_a_rollback_of_a_stranger_changes_nothing(redis: Any, stranger: Program) -> None:
    ann = Visitor.objects.create(name="Ann")
    Visitor.records.get(ann.pk)
    stranger("from django.db import transaction")
    stranger(
        "with transaction.atomic():\n"
        "    connection.cursor().execute(\"UPDATE zoo_visitor SET name = 'Anna'\")\n"
        "    transaction.set_rollback(True)"
    )

    assert Visitor.records.get(ann.pk).name == "Ann"  # type: ignore[union-attr]
