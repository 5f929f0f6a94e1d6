"""A look that claims, and a process that writes and has never read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cache.zoo.electra import NEW, OLD, by_query, by_record
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.interleave import loaded, without_generations
from tests.support.never_read import RENAMES, never_read
from tests.support.program import Program

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]


@pytest.fixture(scope="module")
def program(django_db_setup: None) -> Iterator[Program]:
    with never_read() as found:
        yield found


def guessed(
    read: Callable[[], str], round_trips: list[list[str]], meanwhile: Callable[[], Any]
) -> None:
    """A read of a key that is new, after a miss of its like, and what is done before its fill."""
    list(Star.objects.cached().filter(pk=4).values_list("name", flat=True)[:1])
    star(4)
    round_trips.clear()
    with loaded(read):
        assert [trip[0] for trip in round_trips] == ["claim"], "its look was all of its claim"
        meanwhile()


@pytest.mark.parametrize("how", RENAMES)
@pytest.mark.parametrize("read", [by_query, by_record])
def test_its_write_between_load_and_fill_is_seen(
    program: Program, how: str, read: Callable[[], str], round_trips: list[list[str]]
) -> None:
    guessed(read, round_trips, lambda: program(RENAMES[how]))
    assert read() == NEW


def test_it_is_the_generation_of_that_look_that_holds(
    program: Program, round_trips: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_generations(monkeypatch)
    guessed(by_query, round_trips, lambda: program(RENAMES["update"]))
    assert by_query() == OLD
