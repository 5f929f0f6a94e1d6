"""What this process remembers of a key that it missed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction

from planets.cache import invalidate, invalidated, remember
from planets.cache.events import Fetch, Invalidation
from planets.cache.reading import loads
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star
from tests.support.another_process import another_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def names(mark: str, **options: Any) -> list[str]:
    """A query of its own for each test: what others have filled is remembered, too."""
    return [each.name for each in Star.objects.cached(**options).exclude(name=mark)]


def rename() -> None:
    Star.objects.filter(pk=3).update(name="Electra")


def test_of_what_was_never_filled_here(events: list[Fetch]) -> None:
    names("never")
    assert (events[-1].cause, events[-1].memory) == ("", "this process has not filled it before")


def test_the_statement_that_made_it_stale(events: list[Fetch]) -> None:
    names("stale")
    Star.objects.filter(pk=3).update(name="Taygeta")
    names("stale")
    assert events[-1].cause == "table star was written"
    assert events[-1].memory.startswith("0.")
    assert " s ago by UPDATE `star` SET `name`" in events[-1].memory.replace('"', "`")
    assert "Taygeta" not in events[-1].memory


def test_a_write_from_before_the_fill_is_not_blamed(events: list[Fetch]) -> None:
    Star.objects.filter(pk=3).update(name="Taygeta")
    names("before")
    with another_process() as another:
        another.do(rename)
    names("before")
    assert (events[-1].cause, events[-1].memory) == ("table star was written", "")


def test_by_hand(events: list[Fetch]) -> None:
    names("by hand")
    invalidate(everything=True)
    names("by hand")
    assert events[-1].memory.endswith(" s ago by invalidate()")


def test_a_record_that_was_written(events: list[Fetch]) -> None:
    star(3)
    Star.objects.filter(pk=3).update(name="Taygeta")
    star(3)
    assert events[-1].memory.startswith("written 0.")
    assert "UPDATE" in events[-1].memory


def test_what_ended(events: list[Fetch], redis: Any) -> None:
    names("ended", ttl=0.02)
    give_up = time.monotonic() + 10
    while redis.exists(events[-1].key):
        assert time.monotonic() < give_up
    names("ended", ttl=0.02)
    assert events[-1].memory.startswith("expired 0.")


def test_what_was_evicted(events: list[Fetch], redis: Any) -> None:
    names("evicted")
    redis.delete(events[-1].key)
    names("evicted")
    assert events[-1].memory.startswith("evicted, flushed or deleted: this process filled it 0.")


def test_a_bypass_has_nothing_to_remember(events: list[Fetch]) -> None:
    with transaction.atomic():
        Star.objects.filter(pk=3).update(name="Taygeta")
        names("bypass")
    assert (events[-1].outcome, events[-1].memory) == ("bypass", "")


def test_each_invalidation_names_its_own_statement() -> None:
    heard: list[Invalidation] = []

    def hear(event: Invalidation, **kwargs: Any) -> None:
        heard.append(event)

    invalidated.connect(hear)
    try:
        with transaction.atomic():
            Star.objects.filter(pk=3).update(name="Taygeta")
            Comet.objects.filter(star_id=3).update(name="Halley")
    finally:
        invalidated.disconnect(hear)
    told = [(event.sql.split()[1].strip('`"'), event.tables) for event in heard]
    assert told == [("star", ("star",)), ("comet", ("comet",))]
    assert "star:3" in heard[0].keys
    assert "star:3" not in heard[1].keys


def test_a_first_load_says_nothing_of_what_loads_usually_take() -> None:
    loads.note("SELECT of this test", 90.0)
    assert loads.usual("SELECT of this test") is None
    for ms in (1.0, 50.0, 2.0):
        loads.note("SELECT of this test", ms)
    assert loads.usual("SELECT of this test") == 2.0


def test_a_hit_tells_what_loads_usually_take(events: list[Fetch]) -> None:
    for _ in range(2):
        invalidate(everything=True)
        remember("told twice", Star.objects.count)
    remember("told twice", Star.objects.count)
    first, second, hit = (event.load_ms for event in events)
    assert (hit, first) != (first, None)
    assert hit == pytest.approx(second)
