from __future__ import annotations

from typing import Any

import pytest

from planets.cache.testing import assert_round_trips, round_trips
from tests.cache.zoo.models import Keeper
from tests.support.interleave import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(redis: Any) -> Keeper:
    return Keeper.objects.create(name="Ann")


def test_they_are_counted(ann: Keeper) -> None:
    with assert_round_trips(3) as trips:
        Keeper.records.get(ann.pk)
    assert len(trips) == 3
    with assert_round_trips(1):
        Keeper.records.get(ann.pk)
    with assert_round_trips(0):
        list(Keeper.objects.all())


def test_each_is_told_by_its_commands(ann: Keeper) -> None:
    key = f"zoo_keeper:{ann.pk}"
    with pytest.raises(AssertionError) as failure, assert_round_trips(1):
        Keeper.records.get(ann.pk)
    first, look, claim, fill = str(failure.value).splitlines()
    assert first == "3 round trips to Redis, not 1:"
    assert look.startswith(f"  1. HGETALL {key}, MGET gen:")
    assert f"claim lease:{{{key}}}" in claim
    assert fill == f"  3. fill_hash lease:{{{key}}}"


def test_they_may_be_nested(ann: Keeper) -> None:
    with round_trips() as outer:
        Keeper.records.get(ann.pk)
        with round_trips() as inner:
            Keeper.records.get(ann.pk)
    Keeper.records.get(ann.pk)
    assert (len(outer), len(inner)) == (4, 1)


def test_those_of_other_threads_count(ann: Keeper) -> None:
    with assert_round_trips(3):
        elsewhere(lambda: Keeper.records.get(ann.pk))


def test_an_error_of_the_block_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), assert_round_trips(9):
        raise ZeroDivisionError
