"""Late copies, and a process that writes and has never read: it knows nothing of them.

Who does not accept the past sees its write at once, who does for his seconds and no longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache import remember
from planets.cache.events import Fetch
from planets.cache.reading.late import Late
from tests.cache.zoo.electra import NEW, OLD
from tests.cache.zoo.late import LATE, LONG, UNLESS, Read, by_query, by_record, by_text, by_value
from tests.cache.zoo.models import Star
from tests.support.never_read import RENAMES, never_read
from tests.support.program import Program
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]
READERS: list[Read] = [by_query, by_text, by_value, by_record]


@pytest.fixture(autouse=True)
def late_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process alone."""
    monkeypatch.setattr(Star.records, "late", Late(LONG, LONG))


@pytest.fixture(scope="module")
def program(django_db_setup: None) -> Iterator[Program]:
    """One for all tests here: it never reads in any."""
    with never_read() as found:
        yield found


def made_late(name: str) -> str:
    """A value that is made of one that may be late."""
    return remember(name, lambda: by_query(**LATE), max_stale=LONG)


@pytest.mark.parametrize("how", RENAMES)
def test_its_write_is_seen_by_who_accepts_nothing_late(
    program: Program, how: str, events: list[Fetch]
) -> None:
    for options in (LATE, UNLESS):  # which both leave a copy
        for read in READERS:
            assert read(**options) == OLD
    program(RENAMES[how])
    events.clear()
    assert {read(**LATE) for read in READERS} == {OLD}
    assert {event.outcome for event in events} == {"stale"}
    assert {read(**UNLESS) for read in READERS} == {NEW}, "the database is there"
    assert {read() for read in READERS} == {NEW}
    assert {read(**LATE) for read in READERS} == {NEW}, "what is current is there again"


@pytest.mark.parametrize("read", READERS)
def test_who_accepts_it_for_a_while_sees_it_after_that(program: Program, read: Read) -> None:
    brief = {"max_stale": 0.3}
    assert read(**LATE) == OLD
    program(RENAMES["update"])
    wait_until(lambda: read(**brief) == NEW)
    assert read(**LATE) == NEW


def test_what_it_invalidates_as_a_whole_is_not_served_late(program: Program) -> None:
    for read in READERS:
        read(**LATE)
    program(RENAMES["SQL"])
    assert {read(**LATE) for read in READERS} == {OLD}
    program("import planets.cache; planets.cache.invalidate(everything=True)")
    assert {read(**LATE) for read in READERS} == {NEW}


def test_what_was_made_of_something_late_is_no_later_for_that(program: Program) -> None:
    assert made_late("of") == OLD
    program(RENAMES["update"])
    assert made_late("of") == OLD
    assert remember("strict", lambda: by_query()) == NEW
    assert remember("of", lambda: by_query()) == NEW


def test_a_row_that_it_deletes_or_makes_is_seen(program: Program) -> None:
    def names(**lateness: Any) -> list[str]:
        return list(Star.objects.cached(**lateness).order_by("id").values_list("name", flat=True))

    before = names(**LATE)
    program("sql(\"INSERT INTO star (name) VALUES ('Celaeno')\")")
    program("Star.objects.filter(name='Electra').delete()")
    assert names(**LATE) == before
    assert names() == [name for name in [*before, "Celaeno"] if name != "Electra"]
