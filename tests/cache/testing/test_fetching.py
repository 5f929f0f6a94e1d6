from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from planets.cache import fetch
from planets.cache.testing import assert_cached, assert_not_cached, disabled, fetches
from tests.cache.zoo.models import Keeper
from tests.support.interleave import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(redis: Any) -> Keeper:
    return Keeper.objects.create(name="Ann")


def read(keeper: Keeper) -> None:
    Keeper.records.get(keeper.pk)
    Keeper.objects.cached().count()
    fetch("SELECT name FROM zoo_keeper")


def test_the_first_time_nothing_is_cached_and_the_second_time_everything(ann: Keeper) -> None:
    with assert_not_cached() as heard:
        read(ann)
    assert [event.outcome for event in heard] == ["miss"] * 3
    with assert_cached() as heard:
        read(ann)
    assert [event.outcome for event in heard] == ["hit"] * 3


def test_what_was_no_hit_is_told_with_all_fetches(ann: Keeper) -> None:
    Keeper.records.get(ann.pk)
    with pytest.raises(AssertionError) as failure, assert_cached():
        read(ann)
    first, *lines = str(failure.value).splitlines()
    assert first == "2 of 3 fetches were not served from the cache:"
    assert lines[0] == f"  hit     zoo_keeper:{ann.pk}"
    assert lines[1].startswith("  miss    sql:")
    assert "SELECT COUNT(*)" in lines[1]


def test_a_hit_is_told_where_there_must_be_none(ann: Keeper) -> None:
    Keeper.records.get(ann.pk)
    with pytest.raises(AssertionError, match="1 of 3 fetches was served"), assert_not_cached():
        read(ann)


def test_the_reason_of_a_bypass_is_told(ann: Keeper) -> None:
    disabled_told = pytest.raises(AssertionError, match="\n          caching is disabled")
    with disabled_told, assert_cached(), disabled():
        read(ann)


def test_the_reason_that_a_test_case_with_one_transaction_meets_is_told(ann: Keeper) -> None:
    with transaction.atomic():
        Keeper.objects.update(name="Anna")
        wrote = pytest.raises(AssertionError, match="\n          this transaction wrote")
        with wrote, assert_cached():
            Keeper.records.get(ann.pk)


@pytest.mark.parametrize("assertion", [assert_cached, assert_not_cached])
def test_a_block_without_a_fetch_shows_nothing(ann: Keeper, assertion: Any) -> None:
    with pytest.raises(AssertionError, match=r"was \.cached\(\) forgotten"), assertion():
        list(Keeper.objects.all())


@pytest.mark.parametrize("assertion", [assert_cached, assert_not_cached])
def test_an_error_of_the_block_is_not_hidden(assertion: Any) -> None:
    with pytest.raises(ZeroDivisionError), assertion():
        raise ZeroDivisionError


def test_fetches_of_other_threads_are_heard(ann: Keeper) -> None:
    with fetches() as heard:
        elsewhere(lambda: Keeper.records.get(ann.pk))
    assert [event.outcome for event in heard] == ["miss"]


def test_what_comes_after_is_not_heard(ann: Keeper) -> None:
    with fetches() as heard:
        pass
    read(ann)
    assert heard == []


def test_a_long_statement_is_cut(ann: Keeper) -> None:
    with pytest.raises(AssertionError) as failure, assert_cached():
        fetch("SELECT name FROM zoo_keeper WHERE name IN (" + ", ".join(["'Ann'"] * 100) + ")")
    assert str(failure.value).endswith("...")
    assert len(str(failure.value)) < 300
