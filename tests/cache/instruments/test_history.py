from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import override_settings

from planets.cache import stats
from planets.cache.instruments import history
from planets.cache.instruments.history import Minute, Teller, ratio
from planets.cache.storage import keys
from planets.cache.storage.errors import Unavailable


def now() -> int:
    return int(time.time()) // 60


def last_two() -> Minute:
    """The two newest minutes as one: a test may run across the change of one."""
    before, current = history.history()[-2:]
    return Minute(
        start=current.start,
        hits=before.hits + current.hits,
        misses=before.misses + current.misses,
        bypasses=before.bypasses + current.bypasses,
        errors=before.errors + current.errors,
    )


def test_what_processes_count_adds_up(redis: Any) -> None:
    one, other = Teller(), Teller()
    stats.count("sql", "hit", 3)
    stats.count("record", "hit", 2)
    stats.count("record", "miss")
    stats.count("lease", "waited")  # no fetch
    one.tell()
    other.tell()

    found = last_two()

    assert (found.hits, found.misses, found.bypasses, found.errors) == (10, 2, 0, 0)


def test_it_is_told_once(redis: Any) -> None:
    teller = Teller()
    stats.count("sql", "hit")
    teller.tell()
    teller.tell()

    assert last_two().hits == 1


def test_every_minute_has_its_end(redis: Any) -> None:
    teller = Teller()
    stats.count("sql", "hit")
    teller.tell()

    (key,) = redis.keys("stat:[0-9]*")
    assert 0 < redis.ttl(key) <= 61 * 60


def test_while_redis_is_away_nothing_is_lost(redis: Any) -> None:
    teller = Teller()
    stats.count("sql", "hit")
    nowhere = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": nowhere}):
        teller.tell()
    teller.tell()

    assert last_two().hits == 1


def test_a_request_tells_when_its_time_has_come(redis: Any, settings: Any) -> None:
    teller = Teller()
    stats.count("sql", "hit")

    settings.CACHE_ASIDE = {"HISTORY": 3600}
    teller.sometimes()
    assert last_two().hits == 0  # not yet

    settings.CACHE_ASIDE = {"HISTORY": 0}
    teller.told_at = float("-inf")
    teller.sometimes()
    assert last_two().hits == 0  # never

    settings.CACHE_ASIDE = {"HISTORY": 3600}
    teller.sometimes()
    assert last_two().hits == 1


def test_the_last_hour_is_told_with_its_gaps(redis: Any) -> None:
    minute = now()
    redis.hset(keys.minute(minute - 10), mapping={"hit": 9, "miss": 1, "error": "x"})
    redis.set(keys.minute(minute - 20), "not ours")

    minutes = history.history()

    assert len(minutes) == 60
    told = [m for m in minutes if m.hits]
    assert [(m.hits, m.misses, m.errors) for m in told] == [(9, 1, 0)]
    assert int(told[0].start.timestamp()) == (minute - 10) * 60


def test_the_ratio_is_of_fetches_that_asked_and_were_answered(redis: Any) -> None:
    start = history.history()[0].start
    minutes = [Minute(start=start, hits=9, misses=1, bypasses=50), Minute(start=start)]

    assert ratio(minutes) == 0.9
    assert ratio([Minute(start=start, bypasses=1, errors=1)]) is None


def test_without_redis_it_is_unavailable(no_redis: None) -> None:
    with pytest.raises(Unavailable):
        history.history()
