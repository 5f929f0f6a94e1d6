"""What a process remembers of its writes is bounded in bytes, however long their SQL is."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from planets.cache.instruments.brief import brief
from planets.cache.reading import loads, memory
from planets.cache.writing import last_writes
from planets.cache.writing.last_writes import LAST_BYTES, LONGEST_SQL, MAX_STALE, MOST_RECORDS
from tests.cache.zoo.models import Comet

LONG = "INSERT INTO comet (name) VALUES " + ", ".join(["('Halley')"] * 20_000)
WIDE = LONG.replace("Halley", "\N{COMET}\N{RINGED PLANET}\N{MILKY WAY}")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    for each in (last_writes._last, memory._fills, loads._latest):
        each.clear()
    last_writes.take()
    yield
    for each in (last_writes._last, memory._fills, loads._latest):
        each.clear()
    last_writes.take()


def kept(remember: Callable[[int], object], times: int) -> int:
    """The bytes that stay when it was done so often."""
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(times):
            remember(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.once
@pytest.mark.parametrize("text", [LONG, WIDE], ids=["letters", "signs of four bytes"])
def test_a_long_statement_is_kept_by_its_beginning(text: str) -> None:
    def note(number: int) -> None:
        names = [f"comet:{number}-{each}" for each in range(100)]
        last_writes.note([f"gen:{number}"], names, ["comet"], f"/* {number} */ {text}")

    of_stale = MAX_STALE * (4 * LONGEST_SQL + 1_000)
    assert kept(note, 300) < LAST_BYTES + of_stale
    taken = last_writes.take()
    assert len(taken) == MAX_STALE
    assert {len(one.sql) for one in taken} == {LONGEST_SQL + 1}
    assert {len(one.records) for one in taken} == {MOST_RECORDS}


@pytest.mark.once
def test_what_is_remembered_of_fills_and_loads_is_bounded_too() -> None:
    """Siblings: a SELECT with a long IN list, its values formatted into it."""

    def note(number: int) -> None:
        memory.filled(f"sql:{number}", 0.0, f"SELECT {number} {LONG}", ("comet",))
        loads.note(f"SELECT {number} {LONG}", 1.0)

    fills = memory.MAX_KEYS * (LONGEST_SQL + 1_000)
    assert kept(note, 100) < 100 * (LONGEST_SQL + 1_000) + loads.MAX_BYTES < fills
    assert loads.usual(f"SELECT 99 {LONG}") is None
    loads.note(f"SELECT 99 {LONG}", 1.0)
    assert loads.usual(f"SELECT 99 {LONG}") == 1.0


@pytest.mark.once
def test_the_last_write_is_found_after_many_others() -> None:
    for number in range(1_000):
        last_writes.note([f"gen:{number}"], [], ["comet"], "UPDATE comet SET name = %s")
    assert last_writes.last("gen:999")
    assert last_writes.last("gen:1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sky", "redis")
def test_a_bulk_create_of_megabytes_leaves_a_line() -> None:
    Comet.objects.bulk_create(Comet(name=f"{number}", star_id=3) for number in range(20_000))
    taken = [one for one in last_writes.take() if "comet" in one.tables]
    assert taken
    assert all(len(one.sql) <= LONGEST_SQL + 1 for one in taken)
    assert taken[-1].sql.startswith("INSERT INTO")


@pytest.mark.once
def test_a_text_that_was_cut_off_is_not_told() -> None:
    """The list of invalidations has no values, and so none of which the end is missing."""
    sql = "UPDATE star SET name = 'secret of the"
    for cut in (sql, sql + "…", sql + "\\", sql + "\\'", sql + "''", sql + "\n"):
        assert brief(cut, values=False) == "UPDATE star SET name = ?", cut
