"""Hot columns, and a process that writes and has never read: it has asked the database nothing.

Its first write may be to a hot column, of a table of which it does not yet know whether another
column changes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from planets.cache.events import Fetch
from tests.cache.zoo.hot import (
    COLD,
    HOT,
    READERS,
    by_text,
    filtered,
    gravity,
    names,
    ordered,
    plain_names,
    star_sql,
    whole,
)
from tests.support.never_read import RENAMES, never_read
from tests.support.program import Program
from tests.support.sql import sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("hot_gravity", "sky", "redis"),
]

HOT_WRITES = {
    "update": "Star.objects.filter(pk=3).update(gravity=200)",
    "save": "found = Star(pk=3, gravity=200); found.save(update_fields=['gravity'])",
    "F": "Star.objects.filter(pk=3).update(gravity=F('gravity') + Value(190.2))",
    "bulk_update": "Star.objects.bulk_update([Star(pk=3, gravity=200)], ['gravity'])",
    "SQL": "sql('UPDATE star SET gravity = 200 WHERE id = 3')",
    "SQL that adds": "sql('UPDATE star SET gravity = gravity + 190.2 WHERE id = 3')",
    "transaction": "with transaction.atomic(): Star.objects.filter(pk=3).update(gravity=200)",
}
# Of a reader that does not give the column itself: of how many stars it is more than 100.
EXPECTED = {filtered: 2}


@pytest.fixture(scope="module", params=["with HOT", "without it"])
def program(request: Any, django_db_setup: None) -> Iterator[Program]:
    """It knows of hot columns, or of none: then its writes are to whole tables."""
    with never_read(**(HOT if request.param == "with HOT" else {})) as found:
        found.knows = request.param == "with HOT"
        yield found


@pytest.mark.parametrize("how", HOT_WRITES)
def test_its_hot_write_is_seen(program: Any, how: str, events: list[Fetch]) -> None:
    cold = [read() for read in COLD]
    for read in READERS:
        read()
    program(HOT_WRITES[how])
    events.clear()
    assert [read() for read in COLD] == cold
    assert {event.outcome for event in events} == {"hit"} or not program.knows
    for read in READERS:
        seen = read()
        expected = [3, *[pk for pk in seen if pk != 3]] if read is ordered else EXPECTED.get(read)
        assert seen == (expected or pytest.approx(200)), read


@pytest.mark.parametrize("how", RENAMES)
def test_any_other_write_of_it_is_seen_by_all(program: Program, how: str) -> None:
    for read in (*COLD, *READERS):
        read()
    program(RENAMES[how])
    assert "Taygeta" in names()
    assert ("Taygeta",) in [tuple(row) for row in plain_names()]
    assert "Electra" not in [row["name"] for row in by_text()]
    assert star_sql() == whole() == gravity()  # of the row as it is now


@pytest.mark.mysql
def test_it_asks_whether_another_column_changes_before_its_first_write() -> None:
    """A trigger that nobody has told it of; who has asked before may trust for a while."""
    sql("CREATE TRIGGER renames BEFORE UPDATE ON star FOR EACH ROW SET NEW.name = 'Taygeta'")
    try:
        assert "Electra" in names()
        with never_read(**HOT) as program:
            program(HOT_WRITES["SQL"])
        assert "Taygeta" in names()
    finally:
        sql("DROP TRIGGER renames")
    assert connection.vendor == "mysql"
