"""iterator() of a cached queryset: from the cache where all is there or short, else a stream."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.db import transaction

from planets.cache import disabled, remember
from planets.cache.events import Fetch
from planets.cache.orm import compiler
from planets.cache.recent import Recent
from tests.cache.zoo.models import Animal, Comet, Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture(autouse=True)
def nothing_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_long", Recent(100))


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events]


def test_what_list_has_stored_is_served(
    redis: Any, events: list[Fetch], django_assert_num_queries: Any
) -> None:
    stars = Star.objects.cached().order_by("id")
    truth = list(stars)
    with django_assert_num_queries(0):
        assert list(stars.iterator()) == truth
        assert list(stars.iterator(chunk_size=3)) == truth
    assert outcomes(events) == ["miss", "hit", "hit"]


def test_what_fits_into_a_chunk_is_stored(redis: Any, events: list[Fetch]) -> None:
    stars = Star.objects.cached().order_by("id")
    for _ in range(2):
        assert [star.pk for star in stars.iterator()] == [*range(1, 9)]
        assert list(stars.values_list("id", flat=True).iterator(chunk_size=8)) == [*range(1, 9)]
        assert list(stars.filter(id=99).iterator()) == []
    assert outcomes(events) == ["miss"] * 3 + ["hit"] * 3


def test_what_is_longer_is_streamed_and_holds_no_lease(
    redis: Any, events: list[Fetch], django_assert_num_queries: Any
) -> None:
    stars = Star.objects.cached().order_by("id")
    for queries in (2, 1):  # the first asks again: that it is long was not known
        with django_assert_num_queries(queries):
            assert [star.pk for star in stars.iterator(chunk_size=3)] == [*range(1, 9)]
    assert [event.reason for event in events] == [compiler.STREAMS] * 2
    assert redis.keys("sql:*") == redis.keys("lease:*") == []


def test_a_stream_that_is_left_in_the_middle_leaves_nothing_behind(redis: Any) -> None:
    stream = Star.objects.cached().order_by("id").iterator(chunk_size=3)
    assert next(stream).pk == 1
    stream.close()
    assert Star.objects.count() == 8
    assert redis.keys("lease:*") == []


def test_a_stream_is_noted_by_what_is_computed_around_it(redis: Any) -> None:
    def names() -> list[str]:
        stars = Star.objects.cached().order_by("id")
        return [star.name for star in stars.iterator(chunk_size=3)]

    for name in ("new", "newer"):
        remember("names", names)
        Star.objects.filter(pk=8).update(name=name)
        assert remember("names", names)[-1] == name


def test_a_form_field_of_choices_hits(redis: Any, django_assert_num_queries: Any) -> None:
    class CometForm(forms.ModelForm):
        star = forms.ModelChoiceField(Star.objects.cached().order_by("id"))

        class Meta:
            model = Comet
            fields = ("star",)

    first = str(CometForm())
    with django_assert_num_queries(0):
        assert str(CometForm()) == first
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert "Taygeta" in str(CometForm())


def test_what_must_not_be_cached_streams(redis: Any, events: list[Fetch]) -> None:
    stars = Star.objects.cached().order_by("id")
    with disabled():
        assert len(list(stars.iterator())) == 8
        assert len(list(stars.iterator(chunk_size=3))) == 8
    with transaction.atomic():
        Star.objects.filter(pk=1).update(name="new")
        assert next(stars.iterator()).name == "new"
        assert len(list(stars.select_for_update().iterator())) == 8
    assert {event.outcome for event in events} == {"bypass"}
    assert redis.keys("sql:*") == []


def test_prefetched_relations_come_with_it(redis: Any) -> None:
    stars = Star.objects.cached().order_by("id").prefetch_related("comets")
    for _ in range(2):
        found = {
            star.pk: [c.name for c in star.comets.all()] for star in stars.iterator(chunk_size=3)
        }
        assert found[3] == ["Halley"]


@pytest.mark.asyncio
async def test_the_async_iterator(async_database: None, redis: Any) -> None:
    await Animal.objects.acreate(name="Owl")
    for chunk_size in (1, 2000):
        for _ in range(2):
            owls = Animal.objects.cached().aiterator(chunk_size=chunk_size)
            assert [animal.name async for animal in owls] == ["Owl"]
