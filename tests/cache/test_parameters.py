"""What a cursor takes as parameters, fetch() takes; equal keys mean equal answers."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from django.db import connection, models
from django.utils.safestring import mark_safe

from planets.cache import fetch
from planets.cache.events import Fetch
from planets.cache.storage import keys
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

BY_NAME = "SELECT name FROM star WHERE id = %(id)s"
BY_PLACE = "SELECT name FROM star WHERE id = %s"


class Kind(models.TextChoices):
    DWARF = "dwarf", "A dwarf"


class Size(enum.StrEnum):
    DWARF = "dwarf"


class Mixed(str, enum.Enum):  # noqa: UP042
    """Whose str() is "Mixed.DWARF": what that is to a database, its driver decides."""

    DWARF = "dwarf"


class Number(models.IntegerChoices):
    SIX = 6, "Six"


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def test_the_values_of_named_parameters_are_in_the_key(redis: Any, events: list[Fetch]) -> None:
    for _ in range(2):
        assert names(fetch(BY_NAME, {"id": 1})) == ["Mira"]
        assert names(fetch(BY_NAME, {"id": 2})) == ["Vega"]
        assert names(fetch(BY_NAME, {"id": 99})) == []
    assert [event.outcome for event in events] == ["miss"] * 3 + ["hit"] * 3


def test_the_order_of_names_is_no_part_of_the_key(redis: Any, events: list[Fetch]) -> None:
    sql = "SELECT name FROM star WHERE id = %(id)s AND kind = %(kind)s"
    for given in ({"id": 2, "kind": "dwarf"}, {"kind": "dwarf", "id": 2}):
        assert names(fetch(sql, given)) == ["Vega"]
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_named_values_of_other_types_are_other_keys(redis: Any, events: list[Fetch]) -> None:
    for value in (1, "1", 1.0, True, None):
        fetch(BY_NAME, {"id": value})
    assert len({event.key for event in events}) == 5


def test_names_that_the_sql_does_not_use_are_taken_as_a_cursor_takes_them(redis: Any) -> None:
    for unused in ("a", "b"):
        assert names(fetch(BY_NAME, {"id": 3, "other": unused})) == ["Electra"]


def test_a_mapping_is_asked_once_and_as_it_was(redis: Any) -> None:
    given = {"id": 1}
    assert names(fetch(BY_NAME, given)) == ["Mira"]
    given["id"] = 2
    assert names(fetch(BY_NAME, given)) == ["Vega"]


@pytest.mark.parametrize("nothing", [None, (), [], {}])
def test_no_parameters_in_each_way_to_say_so(redis: Any, nothing: Any) -> None:
    sql = "SELECT name FROM star WHERE name LIKE 'M%' ORDER BY id"
    assert names(fetch(sql, nothing)) == ["Mira", "Maia"]


def test_an_iterator_is_used_up_once(redis: Any, events: list[Fetch]) -> None:
    for _ in range(2):
        assert names(fetch(BY_PLACE, (n for n in [4]))) == ["Maia"]
        assert names(fetch(BY_PLACE, [4])) == ["Maia"]
        assert names(fetch(BY_PLACE, iter([5]))) == ["Kochab"]
    assert [event.outcome for event in events] == ["miss", "hit", "miss", "hit", "hit", "hit"]


@pytest.mark.parametrize("odd", ["3", b"3", 3, {3}, frozenset([3]), {3: 1}.keys(), object()])
def test_what_are_no_parameters_is_a_clear_error(redis: Any, odd: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a sequence, in the order of the %s"):
        fetch(BY_PLACE, odd)
    assert redis.keys("sql:*") == []


@pytest.mark.mysql
def test_a_tuple_in_the_parameters_is_told_by_what_it_holds(
    redis: Any, events: list[Fetch]
) -> None:
    sql = "SELECT name FROM star WHERE id IN %s ORDER BY id"
    for _ in range(2):
        assert names(fetch(sql, [(1, 2)])) == ["Mira", "Vega"]
        assert names(fetch(sql, [[1, 3]])) == ["Mira", "Electra"]
        assert len(fetch(sql, [("1", 4)])) == 2
    assert [event.outcome for event in events] == ["miss"] * 3 + ["hit"] * 3


@pytest.mark.parametrize("same", [Kind.DWARF, Size.DWARF, mark_safe("dwarf")])
def test_a_text_of_another_class_is_the_text(redis: Any, events: list[Fetch], same: Any) -> None:
    sql = "SELECT name FROM star WHERE kind = %s ORDER BY id"
    for value in ("dwarf", same):
        assert names(fetch(sql, [value])) == ["Vega", "Sirius"]
        assert Star.objects.cached().filter(kind=value).count() == 2
    assert [event.outcome for event in events] == ["miss", "miss", "hit", "hit"]
    assert keys.as_plain_text(same) == "dwarf"
    assert type(keys.as_plain_text(same)) is str


@pytest.mark.parametrize("text", [Kind.DWARF, Size.DWARF, mark_safe("Zürich 🪐 'x' \\ %s")])
def test_the_driver_sends_such_a_text_as_it_sends_the_plain_one(text: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s, HEX(%s)", [text, text])
        subclass = cursor.fetchone()
        plain = keys.as_plain_text(text)
        cursor.execute("SELECT %s, HEX(%s)", [plain, plain])
        assert subclass == cursor.fetchone()


def test_what_the_drivers_send_in_two_ways_is_not_cached(redis: Any, events: list[Fetch]) -> None:
    fetch("SELECT name FROM star WHERE kind = %s", [Mixed.DWARF])
    fetch("SELECT name FROM star WHERE kind = %(kind)s", {"kind": Mixed.DWARF})
    assert [event.reason for event in events] == ["Mixed cannot be part of a key"] * 2


def test_a_number_of_another_class_is_the_number_where_a_field_makes_it_one(
    redis: Any, events: list[Fetch]
) -> None:
    for value in (6, Number.SIX):
        assert Star.objects.cached().get(position=value).name == "Sirius"
        assert Star.objects.cached().filter(position__in=[value, 7]).count() == 2
    assert [event.outcome for event in events] == ["miss", "miss", "hit", "hit"]
