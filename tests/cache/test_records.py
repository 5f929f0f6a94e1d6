"""star:<id>: typed, shared with other programs, gone with its row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models, transaction

from planets.cache import Records
from planets.cache.events import Fetch
from tests.cache.zoo.models import Everything, Star
from tests.cache.zoo.records import astar, star, stars
from tests.cache.zoo.rows import FULL, parts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def test_a_hit_is_typed_as_a_miss_and_as_the_database(redis: Any, events: list[Fetch]) -> None:
    truth = parts(Star.objects.get(pk=6))
    assert [parts(star(6)), parts(star(6))] == [truth, truth]
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_every_field_type_comes_back_as_it_was(redis: Any) -> None:
    records = Records(Everything)
    full = Everything.objects.create(**FULL)
    empty = Everything.objects.create(uuid=None)
    for row in (full, empty):
        truth = Everything.objects.get(pk=row.pk)
        assert parts(records.get(row.pk)) == parts(records.get(row.pk)) == parts(truth)
    assert redis.type(f"zoo_everything:{full.pk}") == "hash"


def test_the_hash_is_plain_text_that_any_client_can_read(redis: Any) -> None:
    star(3)
    fields = redis.hgetall("star:3")
    assert fields["id"] == "3"
    assert fields["name"] == "Electra"
    assert float(fields["radius"]) == Star.objects.get(pk=3).radius
    assert "surface_pressure" not in star_hash(redis, 5)  # NULL


def star_hash(redis: Any, star_id: int) -> dict[str, str]:
    star(star_id)
    return dict(redis.hgetall(f"star:{star_id}"))


def tutorial_star(redis: Any, star_id: int) -> dict[str, Any]:
    """As the tutorial's program does it, with plain clients."""
    key = "star:" + str(star_id)
    result = redis.hgetall(key)
    if result:
        return dict(result)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM star WHERE id = %s", [star_id])
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
    result = dict(zip(names, row, strict=True))
    redis.hset(key, mapping=result)
    redis.expire(key, 10)
    return result


def test_the_tutorials_program_reads_our_hash(redis: Any) -> None:
    star(4)
    ours = tutorial_star(redis, 4)
    assert (ours["id"], ours["name"]) == ("4", "Maia")


def test_a_hash_of_the_tutorials_program_heals_itself(redis: Any, events: list[Fetch]) -> None:
    assert tutorial_star(redis, 4) == {"id": 4, "name": "Maia"}
    maia = star(4)
    assert maia
    assert maia.gravity == Star.objects.get(pk=4).gravity
    assert "another program" in events[-1].reason or events[-1].outcome == "miss"
    assert star(4) == maia
    assert [event.outcome for event in events] == ["miss", "hit"]
    assert redis.ttl("star:4") > 10


def test_an_absence_is_short_and_goes_with_the_stars_creation(
    redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"ABSENT_TTL": 20}
    assert star(9) is None
    assert star(9) is None
    assert 0 < redis.ttl("star:9") <= 22
    Star.objects.create(id=9, name="Polaris")
    polaris = star(9)
    assert polaris
    assert polaris.name == "Polaris"
    assert [event.outcome for event in events] == ["miss", "hit", "miss"]


def test_save_and_delete_take_the_hash_with_them(redis: Any) -> None:
    electra, maia = star(3), star(4)
    assert electra
    assert maia
    electra.name = "Taygeta"
    electra.save()
    assert not redis.exists("star:3")
    assert redis.exists("star:4")
    assert star(3).name == "Taygeta"  # type: ignore[union-attr]
    maia.delete()
    assert star(4) is None


def test_a_save_by_its_id_leaves_the_other_hashes(redis: Any, events: list[Fetch]) -> None:
    stars(range(1, 9))
    events.clear()
    Star.objects.filter(pk=3).update(name="Taygeta")
    stars(range(1, 9))
    assert [event.outcome for event in events].count("hit") == 7


def test_a_bulk_write_makes_all_hashes_stale_by_one_key(redis: Any, events: list[Fetch]) -> None:
    stars(range(1, 9))
    Star.objects.filter(radius__gt=0).update(description="new")
    events.clear()
    assert {p.description for p in stars(range(1, 9)).values()} == {"new"}
    assert {event.outcome for event in events} == {"miss"}


def test_a_schema_change_is_a_miss(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    star(3)
    monkeypatch.setattr(Star.records.shelf, "schema", lambda identity: "another")
    assert star(3)
    assert redis.hget("star:3", "_aside").split(" ")[1] == "another"


def test_a_field_changed_by_hand_is_a_miss(redis: Any) -> None:
    star(3)
    redis.hset("star:3", "name", "Krypton")
    assert star(3).name == "Electra"  # type: ignore[union-attr]


def test_write_through_stores_the_saved_row_once_it_is_committed(
    redis: Any, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CACHE_ASIDE = {"WRITE_THROUGH": True}
    electra = Star.objects.get(pk=3)
    electra.mass = models.F("mass") * 2
    with transaction.atomic():
        electra.save()
        assert not redis.exists("star:3")
    stored = float(redis.hget("star:3", "mass"))
    with django_assert_num_queries(0):
        assert star(3).mass == stored  # type: ignore[union-attr]
    assert Star.objects.get(pk=3).mass == stored

    with transaction.atomic():
        electra.name = "nobody"
        electra.save()
        transaction.set_rollback(True)
    assert redis.hget("star:3", "name") == "Electra"  # as it was: a rollback changes nothing


def test_one_program_may_save_what_another_has_read(redis: Any) -> None:
    assert stars([3, 3, 2]).keys() == {3, 2}
    assert list(stars([3, 99, 1])) == [3, 1]
    assert stars([]) == {}


@pytest.mark.asyncio
async def test_the_async_variant(async_database: None, redis: Any) -> None:
    assert (await astar(3)).name == "Electra"  # type: ignore[union-attr]
    assert await astar(99) is None
