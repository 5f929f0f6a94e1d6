"""planets.cache.fetch: the tutorial's own function, closed to everything but one SELECT."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest
from django.db import connection

from planets.cache import fetch, invalidate
from planets.cache.events import Fetch
from planets.models import Moon, Planet

from .test_queryset import FULL
from .zoo.models import Everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events]


def test_as_the_tutorial_uses_it(redis: Any, events: list[Fetch]) -> None:
    for _ in range(2):
        rows = fetch("SELECT id, name FROM planet ORDER BY id")
        assert rows[0] == {"id": 1, "name": "Mercury"}
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
    sql = "SELECT p.name, COUNT(*) AS n FROM planet p JOIN moon m ON m.planet_id = p.id GROUP BY 1"
    fetch(sql)
    Everything.objects.create()
    fetch(sql)
    Moon.objects.filter(name="Io").update(name="io")
    fetch(sql)
    Planet.objects.filter(pk=3).update(name="Terra")
    assert "Terra" in {row["name"] for row in fetch(sql)}
    assert outcomes(events) == ["miss", "hit", "miss", "miss"]


def test_a_percent_sign_without_parameters_is_a_percent_sign(redis: Any) -> None:
    assert [row["name"] for row in fetch("SELECT name FROM planet WHERE name LIKE 'M%' ")] == [
        "Mercury",
        "Mars",
    ]
    assert fetch("SELECT name FROM planet WHERE name LIKE %s AND name LIKE '%%s'", ["M%"]) == [
        {"name": "Mars"}
    ]


def test_parameters_and_their_types_make_the_key(redis: Any, events: list[Fetch]) -> None:
    for value in (1, "1", 1.0, True, decimal.Decimal(1)):
        fetch("SELECT id FROM planet WHERE id = %s", [value])
    assert len({event.key for event in events}) == 5


def test_the_clock_is_not_cached(redis: Any, events: list[Fetch]) -> None:
    fetch("SELECT name, CURRENT_TIMESTAMP FROM planet")
    assert outcomes(events) == ["bypass"]


def test_its_ttl(redis: Any) -> None:
    fetch("SELECT name FROM planet", ttl=10)
    (key,) = redis.keys("sql:*")
    assert 8 <= redis.ttl(key) <= 11


def test_invalidate_by_table_by_instance_by_model_and_everything(
    redis: Any, events: list[Fetch]
) -> None:
    earth = Planet.objects.get(pk=3)
    for targets, options in (
        (("planet",), {}),
        ((earth,), {}),
        ((Planet,), {}),
        ((), {"everything": True}),
    ):
        fetch("SELECT name FROM planet")
        events.clear()
        assert invalidate(*targets, **options)  # type: ignore[arg-type]
        fetch("SELECT name FROM planet")
        assert outcomes(events) == ["miss"]
    with pytest.raises(TypeError, match="takes an instance, a model, a table name"):
        invalidate()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM planet",
        "UPDATE planet SET name = 'x'",
        "INSERT INTO planet (name) VALUES ('x')",
        "SELECT 1 FROM planet; DELETE FROM planet",
        "WITH x AS (SELECT 1) DELETE FROM planet",
        "/* SELECT */ DELETE FROM planet",
        "REPLACE INTO planet (id, name) VALUES (1, 'x')",
        "CALL something()",
        "SET @x = 1",
        "SHOW TABLES",
        "",
    ],
)
def test_anything_but_a_single_select_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match=r"takes a single SELECT, not"):
        fetch(sql)
    assert Planet.objects.count() == 8
