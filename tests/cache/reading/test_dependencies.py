"""What something computed depends on: what it read, by whatever road, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection, connections, transaction

from planets.cache import carry, disabled, invalidate, remember
from planets.cache.events import Fetch
from tests.cache.zoo.computed import OF_BOTH, OF_COMETS, OF_STARS, raw
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star
from tests.support.interleave import elsewhere
from tests.support.sql import sql

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


NUMBERS = count()


class Kept:
    """A value, and how often it was computed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.times = make, 0
        self.name = f"kept {next(NUMBERS)}"  # a process remembers what was refused

    def compute(self) -> Any:
        self.times += 1
        return self.make()

    def __call__(self) -> Any:
        return remember(self.name, self.compute)


def told(events: list[Fetch]) -> Fetch:
    return next(event for event in reversed(events) if event.sql.startswith("kept"))


def write_star(pk: int = 3) -> None:
    Star.objects.filter(pk=pk).update(mass=99.0)


def write_comet() -> None:
    Comet.objects.filter(name="Halley").update(name="Biela")


@pytest.mark.parametrize("name", [*OF_STARS, *OF_BOTH, *OF_COMETS])
def test_what_was_read_makes_it_stale_and_nothing_else_does(name: str) -> None:
    make = {**OF_STARS, **OF_BOTH, **OF_COMETS}[name]
    kept = Kept(make)
    before = kept()
    assert kept() == before
    assert kept.times == 1, "it is kept"
    write_comet()
    assert kept() == make()
    assert kept.times == (1 if name in OF_STARS else 2)
    times = kept.times
    write_star()
    assert kept() == make()
    assert kept.times == (times if name in OF_COMETS else times + 1)


def test_a_record_goes_by_itself_and_an_absent_one_with_its_table() -> None:
    there, absent = Kept(lambda: getattr(star(3), "name", None)), Kept(lambda: star(900) is None)
    for kept, also in ((there, 0), (absent, 1)):
        invalidate(everything=True)
        kept()
        write_star(5)
        kept()
        assert kept.times == 1 + also


def test_one_that_reads_nothing_goes_with_everything() -> None:
    kept = Kept(lambda: 1)
    kept(), kept()
    write_star()
    kept()
    assert kept.times == 1
    invalidate(everything=True)
    kept()
    assert kept.times == 2


@pytest.mark.parametrize("inner", ["disabled", "failing"])
def test_what_an_inner_one_read_is_known_where_it_was_not_fetched_or_raised(inner: str) -> None:
    def read() -> Any:
        if inner == "disabled":
            with disabled():
                return remember("inner", lambda: Star.objects.get(pk=3).mass)
        try:
            return remember("inner", lambda: [Star.objects.get(mass=99.0).mass])
        except Star.DoesNotExist:
            return None

    kept = Kept(read)
    kept(), kept()
    assert kept.times == 1
    write_star()
    assert kept() in (99.0, [99.0])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: write_star(), "it writes to the database"),
        (lambda: raw("SELECT NOW()"), "NOW"),
        (lambda: raw("SHOW TABLES"), "no SELECT"),
    ],
)
@pytest.mark.mysql
def test_what_cannot_be_kept_is_told(
    make: Callable[[], Any], reason: str, events: list[Fetch]
) -> None:
    kept = Kept(lambda: [make(), 1][1])
    kept(), kept()
    assert kept.times == 2
    assert reason.lower() in told(events).reason.lower()


@pytest.mark.parametrize("cached", [False, True])
def test_what_was_computed_of_a_failed_read_is_not_kept(cached: bool, events: list[Fetch]) -> None:
    def read() -> str:
        rows = Star.objects.extra(where=["no_such_column = 1"])
        try:
            return str(list(rows.cached() if cached else rows))
        except DatabaseError:
            return "unavailable"

    kept = Kept(read)
    assert [kept(), kept()] == ["unavailable"] * 2
    assert kept.times == 2
    assert told(events).reason == "a read of the database failed while it was computed"


def test_a_table_that_is_written_while_it_is_computed(events: list[Fetch]) -> None:
    read = OF_STARS["cached"]

    def twice() -> Any:
        read()
        elsewhere(write_star)
        return read()

    kept = Kept(twice)
    kept()
    assert told(events).reason == "a table that it reads was written while it was computed"
    kept.make = read
    assert kept() == read()


@pytest.mark.mysql
def test_uncommitted_data_and_old_snapshots_are_not_kept(events: list[Fetch]) -> None:
    kept = Kept(OF_STARS["plain"])
    with transaction.atomic():
        write_star()
        assert 99.0 in kept()
        transaction.set_rollback(True)
    assert "wrote to its tables" in told(events).reason
    assert 99.0 not in kept()

    def at_repeatable_read() -> Any:
        own = connections["default"]
        options = {**own.settings_dict["OPTIONS"], "isolation_level": "repeatable read"}
        own.settings_dict = {**own.settings_dict, "OPTIONS": options}
        with transaction.atomic():
            list(Comet.objects.all())
            elsewhere(write_star)
            return kept()

    invalidate(everything=True)
    assert 99.0 not in elsewhere(at_repeatable_read)
    assert "old snapshot" in told(events).reason
    assert 99.0 in kept()


def in_threads(function: Callable[[int], Any]) -> list[Any]:
    def run(pk: int) -> Any:
        try:
            return function(pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(run, range(1, 9)))


def mass(pk: int) -> Any:
    return Star.objects.get(pk=pk).mass


def test_a_thread_is_heard_where_the_context_is_carried_there() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("its threads wait for each other")
    unheard, heard = Kept(lambda: in_threads(mass)), Kept(lambda: in_threads(carry(mass)))
    for kept, after in ((unheard, 1), (heard, 2)):
        invalidate(everything=True)
        kept()
        sql("UPDATE star SET mass = mass + 1")
        kept()
        assert kept.times == after


times: list[int] = []


@remember
async def total() -> float:
    times.append(1)
    return sum([row.mass or 0 async for row in Star.objects.all()])


def test_async_code_is_heard() -> None:
    times.clear()
    run = async_to_sync(total)
    before = run()
    assert run() == before
    write_comet()
    run()
    assert len(times) == 1
    write_star()
    assert run() != before
