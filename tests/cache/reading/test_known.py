"""What a process knows of a computed entry: what it asks for, and which answer proves it again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from planets.cache.events import Fetch
from planets.cache.reading.envelope import HEAD
from planets.cache.reading.known import SHORT
from planets.cache.storage import keys
from planets.cache.writing.transaction import unsettled
from tests.cache.zoo.models import Comet, Star
from tests.support.computing import KEY, Process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def test_a_short_entry_comes_with_its_gates_and_is_read_once(
    redis: Any, round_trips: list[list[str]], events: list[Fetch]
) -> None:
    process = Process()
    for _ in range(4):
        round_trips.clear()
        assert process.names() == "Electra, 4"
    assert redis.strlen(KEY) <= SHORT
    assert round_trips == [["MGET", "HGET"]]  # the entry and its gates; the record's token
    assert process.decoded == 1
    assert [event.outcome for event in events if event.kind == "value"] == ["miss"] + ["hit"] * 3


def test_of_a_long_one_the_head_alone_is_sent(redis: Any, round_trips: list[list[str]]) -> None:
    process = Process(length=200)
    for _ in range(4):
        round_trips.clear()
        process.names()
    assert round_trips == [["GETRANGE", "MGET", "HGET"]]
    assert process.decoded == 1


@pytest.mark.parametrize("length", [1, 200])
def test_an_answer_that_has_changed_in_anything_proves_nothing(
    redis: Any, length: int, events: list[Fetch]
) -> None:
    process = Process(length)
    writes: list[Any] = [
        lambda: Star.objects.filter(pk=3).update(name="Merope"),
        lambda: Comet.objects.create(star_id=4, name="Halley"),
        lambda: redis.delete("star:3"),
        lambda: redis.delete(keys.gate("default", "comet")),
        lambda: redis.delete(KEY),
        lambda: redis.flushdb(),
    ]
    for write in writes:
        for _ in range(4):
            process.names()
        write()
        events.clear()
        truth = f"{Star.objects.get(pk=3).name}, {Comet.objects.count()}" * length
        assert process.names() == truth
        assert [event.outcome for event in events if event.kind == "value"] == ["miss"]


def test_another_entry_with_the_same_gates_is_not_taken_for_it(redis: Any) -> None:
    process, other = Process(), Process(length=2)
    for _ in range(4):
        process.names()
    redis.delete(KEY)
    assert other.names() == "Electra, 4" * 2
    for _ in range(3):
        assert process.names() == "Electra, 4" * 2


def test_whatever_follows_the_head_of_what_is_kept_is_not_read(redis: Any) -> None:
    process = Process()
    for _ in range(3):
        process.names()
    redis.setrange(KEY, HEAD, "of somebody's own")
    assert process.names() == "Electra, 4"
    assert Process().names() == "Electra, 4", "who has not kept it finds that it is no entry"


def test_who_has_written_and_not_committed_computes_for_himself(events: list[Fetch]) -> None:
    process = Process()
    for _ in range(3):
        process.names()
    with transaction.atomic():
        Comet.objects.create(star_id=4, name="Halley")
        assert id(connection.cache_aside_transaction) in unsettled
        assert process.names() == "Electra, 5"
        transaction.set_rollback(True)
    assert id(connection.cache_aside_transaction) not in unsettled
    assert process.names() == "Electra, 4"
    outcomes = [event.outcome for event in events if event.kind == "value"]
    assert outcomes[3:] == ["bypass", "hit"]


def test_nothing_is_unsettled_when_a_write_has_ended() -> None:
    before = set(unsettled)
    Comet.objects.create(star_id=4, name="Halley")
    with transaction.atomic():
        Comet.objects.update(name="Encke")
    transaction.set_autocommit(False)
    try:
        Comet.objects.update(name="Biela")
        connection.close()
    finally:
        transaction.set_autocommit(True)
    assert unsettled == before
