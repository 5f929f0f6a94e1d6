"""planets.cache.fetch: the tutorial's own function, closed to everything but one SELECT."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest
from django.db import connection

from planets.cache import fetch
from planets.cache.events import Fetch
from tests.cache.zoo.models import Comet, Everything, Star
from tests.cache.zoo.rows import FULL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events]


def test_as_the_tutorial_uses_it(redis: Any, events: list[Fetch]) -> None:
    for _ in range(2):
        rows = fetch("SELECT id, name FROM star ORDER BY id")
        assert rows[0] == {"id": 1, "name": "Mira"}
        assert len(rows) == 8
    assert outcomes(events) == ["miss", "hit"]


def test_types_are_the_drivers(redis: Any) -> None:
    Everything.objects.create(**FULL)
    columns = "`datetime`, `decimal`, `binary`, `duration`, `real`"
    first, second = (fetch(f"SELECT {columns} FROM zoo_everything")[0] for _ in range(2))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM zoo_everything")
        truth = cursor.fetchone()
    assert tuple(first.values()) == tuple(second.values()) == truth
    assert list(map(type, second.values())) == list(map(type, truth))
    if connection.vendor == "mysql":
        assert isinstance(second["datetime"], dt.datetime)
        assert isinstance(second["decimal"], decimal.Decimal)


def test_writes_to_its_tables_and_no_others_invalidate(redis: Any, events: list[Fetch]) -> None:
    sql = "SELECT p.name, COUNT(*) AS n FROM star p JOIN comet m ON m.star_id = p.id GROUP BY 1"
    fetch(sql)
    Everything.objects.create()
    fetch(sql)
    Comet.objects.filter(name="Encke").update(name="io")
    fetch(sql)
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert "Taygeta" in {row["name"] for row in fetch(sql)}
    assert outcomes(events) == ["miss", "hit", "miss", "miss"]


def test_a_percent_sign_without_parameters_is_a_percent_sign(redis: Any) -> None:
    assert [row["name"] for row in fetch("SELECT name FROM star WHERE name LIKE 'M%' ")] == [
        "Mira",
        "Maia",
    ]
    assert fetch("SELECT name FROM star WHERE name LIKE %s AND name LIKE '%%s'", ["S%"]) == [
        {"name": "Sirius"}
    ]


def test_parameters_and_their_types_make_the_key(redis: Any, events: list[Fetch]) -> None:
    for value in (1, "1", 1.0, True, decimal.Decimal(1)):
        fetch("SELECT id FROM star WHERE id = %s", [value])
    assert len({event.key for event in events}) == 5


def test_the_clock_is_not_cached(redis: Any, events: list[Fetch]) -> None:
    fetch("SELECT name, CURRENT_TIMESTAMP FROM star")
    assert outcomes(events) == ["bypass"]


def test_its_ttl(redis: Any) -> None:
    fetch("SELECT name FROM star", ttl=10)
    (key,) = redis.keys("sql:*")
    assert 8 <= redis.ttl(key) <= 11


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM star",
        "UPDATE star SET name = 'x'",
        "INSERT INTO star (name) VALUES ('x')",
        "SELECT 1 FROM star; DELETE FROM star",
        "WITH x AS (SELECT 1) DELETE FROM star",
        "/* SELECT */ DELETE FROM star",
        "REPLACE INTO star (id, name) VALUES (1, 'x')",
        "CALL something()",
        "SET @x = 1",
        "SHOW TABLES",
        "",
    ],
)
def test_anything_but_a_single_select_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match=r"takes a single SELECT, not"):
        fetch(sql)
    assert Star.objects.count() == 8
