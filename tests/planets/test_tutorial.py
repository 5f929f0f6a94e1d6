"""The tutorial's program and the site share a database and a Redis, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from planets.cache.events import Fetch
from planets.models import Planet
from planets.records import planet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]


def tutorial_planet(redis: Any, planet_id: int) -> dict[str, Any]:
    """As the tutorial's program does it, with plain clients."""
    key = "planet:" + str(planet_id)
    result = redis.hgetall(key)
    if result:
        return dict(result)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM planet WHERE id = %s", [planet_id])
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
    result = dict(zip(names, row, strict=True))
    redis.hset(key, mapping=result)
    redis.expire(key, 10)
    return result


def test_the_tutorials_program_reads_our_hash(redis: Any) -> None:
    planet(4)
    ours = tutorial_planet(redis, 4)
    assert (ours["id"], ours["name"]) == ("4", "Mars")


def test_a_hash_of_the_tutorials_program_heals_itself(redis: Any, events: list[Fetch]) -> None:
    assert tutorial_planet(redis, 4) == {"id": 4, "name": "Mars"}
    mars = planet(4)
    assert mars
    assert mars.gravity == Planet.objects.get(pk=4).gravity
    assert "another program" in events[-1].reason or events[-1].outcome == "miss"
    assert planet(4) == mars
    assert [event.outcome for event in events] == ["miss", "hit"]
    assert redis.ttl("planet:4") > 10


def test_the_tutorials_select_still_is_json() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM planet")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert json.loads(json.dumps(rows)) == rows
    assert [row["name"] for row in rows][:3] == ["Mercury", "Venus", "Earth"]
