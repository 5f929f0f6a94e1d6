"""planet:<id>: typed, shared with other programs, gone with its row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction

from planets.cache import Records
from planets.cache.events import Fetch
from planets.models import Planet
from planets.records import aplanet, planet, planets

from .test_queryset import FULL, parts
from .zoo.models import Everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("solar_system")]


def test_a_hit_is_typed_as_a_miss_and_as_the_database(redis: Any, events: list[Fetch]) -> None:
    truth = parts(Planet.objects.get(pk=6))
    assert [parts(planet(6)), parts(planet(6))] == [truth, truth]
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_every_field_type_that_has_a_plain_text_comes_back_as_it_was(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [f for f in Everything._meta.concrete_fields if f.name not in ("json", "file")]
    monkeypatch.setattr(Everything._meta, "concrete_fields", tuple(fields))
    records = Records(Everything)
    full = Everything.objects.create(**FULL)
    empty = Everything.objects.create(uuid=None)
    for row in (full, empty):
        truth = Everything.objects.defer("json", "file").get(pk=row.pk)
        assert parts(records.get(row.pk)) == parts(records.get(row.pk)) == parts(truth)
    assert redis.type(f"zoo_everything:{full.pk}") == "hash"


def test_a_field_without_a_plain_text_is_refused_by_name() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"zoo\.Everything\.json is a JSONField"):
        Records(Everything)


def test_the_hash_is_plain_text_that_any_client_can_read(redis: Any) -> None:
    planet(3)
    fields = redis.hgetall("planet:3")
    assert fields["id"] == "3"
    assert fields["name"] == "Earth"
    assert float(fields["radius"]) == Planet.objects.get(pk=3).radius
    assert "surface_pressure" not in planet_hash(redis, 5)  # NULL


def planet_hash(redis: Any, planet_id: int) -> dict[str, str]:
    planet(planet_id)
    return dict(redis.hgetall(f"planet:{planet_id}"))


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


def test_an_absence_is_short_and_goes_with_the_planets_creation(
    redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"ABSENT_TTL": 20}
    assert planet(9) is None
    assert planet(9) is None
    assert 0 < redis.ttl("planet:9") <= 22
    Planet.objects.create(id=9, name="Pluto")
    pluto = planet(9)
    assert pluto
    assert pluto.name == "Pluto"
    assert [event.outcome for event in events] == ["miss", "hit", "miss"]


def test_save_and_delete_take_the_hash_with_them(redis: Any) -> None:
    earth, mars = planet(3), planet(4)
    assert earth
    assert mars
    earth.name = "Terra"
    earth.save()
    assert not redis.exists("planet:3")
    assert redis.exists("planet:4")
    assert planet(3).name == "Terra"  # type: ignore[union-attr]
    mars.delete()
    assert planet(4) is None


def test_a_save_by_its_id_leaves_the_other_hashes(redis: Any, events: list[Fetch]) -> None:
    planets(range(1, 9))
    events.clear()
    Planet.objects.filter(pk=3).update(name="Terra")
    planets(range(1, 9))
    assert [event.outcome for event in events].count("hit") == 7


def test_a_bulk_write_makes_all_hashes_stale_by_one_key(redis: Any, events: list[Fetch]) -> None:
    planets(range(1, 9))
    Planet.objects.filter(radius__gt=0).update(description="new")
    events.clear()
    assert {p.description for p in planets(range(1, 9)).values()} == {"new"}
    assert {event.outcome for event in events} == {"miss"}


def test_a_schema_change_is_a_miss(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planet(3)
    monkeypatch.setattr(Planet.records.shelf, "schema", "another")
    assert planet(3)
    assert redis.hget("planet:3", "_aside").startswith("another ")


def test_a_field_changed_by_hand_is_a_miss(redis: Any) -> None:
    planet(3)
    redis.hset("planet:3", "name", "Krypton")
    assert planet(3).name == "Earth"  # type: ignore[union-attr]


def test_write_through_stores_the_saved_row_once_it_is_committed(
    redis: Any, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CACHE_ASIDE = {"WRITE_THROUGH": True}
    earth = Planet.objects.get(pk=3)
    earth.mass = models.F("mass") * 2
    with transaction.atomic():
        earth.save()
        assert not redis.exists("planet:3")
    stored = float(redis.hget("planet:3", "mass"))
    with django_assert_num_queries(0):
        assert planet(3).mass == stored  # type: ignore[union-attr]
    assert Planet.objects.get(pk=3).mass == stored

    with transaction.atomic():
        earth.name = "nobody"
        earth.save()
        transaction.set_rollback(True)
    assert not redis.exists("planet:3")


def test_one_program_may_save_what_another_has_read(redis: Any) -> None:
    assert planets([3, 3, 2]).keys() == {3, 2}
    assert list(planets([3, 99, 1])) == [3, 1]
    assert planets([]) == {}


@pytest.mark.asyncio
async def test_the_async_variant(async_database: None, redis: Any) -> None:
    assert (await aplanet(3)).name == "Earth"  # type: ignore[union-attr]
    assert await aplanet(99) is None
