"""What a stranger can vary without end: he leaves nothing, and takes nobody's room."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from planets.cache import Records, fetch
from planets.cache.events import Fetch
from planets.cache.reading import sight
from planets.cache.recent import Recent
from tests.cache.zoo.models import Star
from tests.support.servers import Redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

BY_NAME = "SELECT id FROM star WHERE name = %s"


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "_seen", Recent[str, bool](sight.REMEMBERED))


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records[Star]:
    monkeypatch.setattr(Star.records, "second_sight", True)
    return Star.records


def by_query(name: str) -> Any:
    return list(Star.objects.cached(second_sight=True).filter(name=name))


def by_sql(name: str) -> Any:
    return fetch(BY_NAME, [name], second_sight=True)


@pytest.mark.parametrize("read", [by_query, by_sql])
def test_it_is_kept_from_second_sight_on(
    redis: Any, events: list[Fetch], round_trips: list[list[str]], read: Callable[[str], Any]
) -> None:
    for _ in range(3):
        read("nobody's")
    assert [event.outcome for event in events] == ["miss", "miss", "hit"]
    assert [event.reason for event in events] == [sight.FIRST_SIGHT, "", ""]
    assert round_trips[0] == ["MGET"]  # and nothing else at first sight
    assert round_trips[1] == ["MGET"]
    assert len(redis.keys("sql:*")) == 1


def test_an_absence_is_kept_from_second_sight_on_and_a_row_at_once(
    redis: Any, records: Records[Star], events: list[Fetch]
) -> None:
    for _ in range(3):
        assert records.get(99) is None
        assert records.get(3)
    absent = [event.outcome for event in events if event.key == "star:99"]
    there = [event.outcome for event in events if event.key == "star:3"]
    assert absent == ["miss", "miss", "hit"]
    assert there == ["miss", "hit", "hit"]
    assert redis.keys("lease:*") == []


def test_it_goes_stale_as_any_other(redis: Any, records: Records[Star]) -> None:
    for _ in range(2):
        assert by_query("new") == []
        assert records.get(99) is None
    Star.objects.create(pk=99, name="new")
    assert [star.pk for star in by_query("new")] == [99]
    assert records.get(99)


def test_many_strangers_take_no_room_and_no_entry_of_others(
    own: Redis, records: Records[Star], events: list[Fetch]
) -> None:
    """10,000 keys that nobody asks for again; of each, an entry would take some 500 bytes."""

    def hot() -> None:
        Star.objects.cached().count()
        records.get(3)

    chance = random.Random(28)
    with own.client() as direct:
        for _ in range(2):
            hot()
            by_sql("a first one")
            records.get(98)
        before = direct.info("memory")["used_memory"]
        keys_before = direct.dbsize()
        direct.config_set("maxmemory-policy", "allkeys-lru")
        direct.config_set("maxmemory", before + 300_000)
        for number in range(5_000):
            by_sql(f"{chance.random()}")
            records.get(chance.randint(1_000, 2**31))
            if number % 500 == 0:
                events.clear()
                hot()
                assert [event.outcome for event in events] == ["hit", "hit"]
        assert direct.dbsize() - keys_before <= 2  # the owner's, and a greeting's
        assert direct.info("memory")["used_memory"] - before < 100_000
        assert direct.info("stats")["evicted_keys"] == 0


def test_what_is_asked_twice_each_does_not_evict_what_all_share(
    own: Redis, events: list[Fetch]
) -> None:
    with own.client() as direct:
        Star.objects.cached().count()
        direct.config_set("maxmemory-policy", "volatile-lfu")
        direct.config_set("maxmemory-samples", 64)
        direct.config_set("maxmemory", direct.info("memory")["used_memory"] + 300_000)
        for number in range(2_000):
            for _ in range(2):
                by_sql(f"twice {number}")
            Star.objects.cached().count()
        assert direct.info("stats")["evicted_keys"] > 100
    counts = [event.outcome for event in events if "COUNT" in event.sql]
    assert set(counts[2:]) == {"hit"}
