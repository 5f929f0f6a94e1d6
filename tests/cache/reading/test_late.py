"""Late on purpose: what is served though it is not current, to whom, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from planets.cache import invalidate, remember
from planets.cache.events import Fetch
from planets.cache.invalidation import drop
from planets.cache.reading.late import Late
from planets.cache.storage import keys
from tests.cache.zoo.electra import NEW, OLD, rename
from tests.cache.zoo.late import LATE, LONG, UNLESS, Read, by_query, by_record, by_text, by_value
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.interleave import committed, elsewhere
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


@pytest.fixture(autouse=True)
def late_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Star.records, "late", Late(LONG, LONG))


READS = pytest.mark.parametrize("read", [by_query, by_text, by_value, by_record])


def of(events: list[Fetch], kind: str = "") -> list[str]:
    return [event.outcome for event in events if kind in ("", event.kind)]


@READS
def test_what_was_written_since_is_served_to_who_accepts_it(
    read: Read, events: list[Fetch], django_assert_num_queries: Any
) -> None:
    assert read(**LATE) == OLD
    rename()
    with django_assert_num_queries(0):
        assert read(**LATE) == OLD
    event = events[-1]
    assert (event.outcome, event.tier) == ("stale", "redis")
    assert event.cause
    assert event.ttl is not None
    assert -LONG < event.ttl < 0
    assert read() == NEW, "who does not accept it"
    assert events[-1].outcome != "stale"


@READS
def test_it_is_served_no_later_than_that(read: Read) -> None:
    brief = {"max_stale": 0.3}
    assert read(**brief) == OLD
    rename()
    wait_until(lambda: read(**brief) == NEW)
    assert read(**brief) == NEW


@READS
def test_what_is_current_is_a_hit(
    read: Read, events: list[Fetch], round_trips: list[list[str]]
) -> None:
    read(**LATE)
    rename()
    wait_until(lambda: read(max_stale=0.001) == NEW)
    events.clear()
    round_trips.clear()
    assert read(**LATE) == NEW
    assert (of(events), len(round_trips)) == (["hit"], 1)


@READS
def test_a_stale_one_asks_redis_twice(read: Read, round_trips: list[list[str]]) -> None:
    read(**LATE)
    rename()
    read(**LATE)  # a process may have to learn what a value stands on
    round_trips.clear()
    read(**LATE)
    assert len(round_trips) == 2  # entry and gates; the late copy
    assert len(round_trips[1]) == 1


@READS
def test_a_transaction_sees_what_it_wrote(read: Read) -> None:
    read(**LATE)
    with transaction.atomic():
        rename()
        assert read(**LATE) == NEW


@READS
@pytest.mark.parametrize("lateness", [LATE, UNLESS], ids=["max_stale", "stale_if_error"])
def test_what_is_invalidated_as_a_whole_is_not_served(
    read: Read, lateness: dict[str, float], request: Any
) -> None:
    Star.records.late = Late(**lateness)
    read(**lateness)
    rename()
    invalidate(everything=True)
    if lateness == LATE:
        assert read(**lateness) == NEW
    else:
        request.getfixturevalue("database_away")
        with pytest.raises(OperationalError):
            elsewhere(lambda: read(**lateness))


@READS
def test_a_flush_leaves_nothing(read: Read, redis: Any) -> None:
    read(**LATE)
    rename()
    redis.flushdb()
    assert read(**LATE) == NEW


def test_some_records_of_many_are_late(events: list[Fetch]) -> None:
    Star.records.get_many([3, 4])
    rename()
    events.clear()
    found = Star.records.get_many([3, 4, 5])
    assert [row.name for row in found.values()] == [OLD, "Maia", "Kochab"]
    assert of(events) == ["stale", "hit", "miss"]


def test_an_absence_is_late_too() -> None:
    assert star(900) is None
    Star.objects.create(pk=900, name="Nova")
    assert star(900) is None
    invalidate(everything=True)
    assert star(900)


def test_an_absence_is_kept_no_longer_than_others(redis: Any, settings: Any) -> None:
    settings.CACHE_ASIDE = {"ABSENT_TTL": 9}
    star(900)
    star(3)
    assert redis.ttl(keys.late("star:900")) <= 9
    assert redis.ttl(keys.late("star:3")) > 50


def test_one_entry_is_dropped_with_its_late_copy(redis: Any) -> None:
    star(3)
    assert redis.exists(keys.late("star:3"))
    assert drop("star:3")
    assert not redis.exists(keys.late("star:3"))


def test_who_does_not_ask_for_it_keeps_nothing_late(redis: Any) -> None:
    by_query()
    by_value()
    by_record(max_stale=0)
    assert not redis.keys("late:*")


def test_it_is_kept_as_long_as_it_may_be_late(redis: Any) -> None:
    by_query(ttl=5, max_stale=20, stale_if_error=900)
    (copy,) = redis.keys("late:*")
    assert 890 < redis.ttl(copy) <= 900
    assert redis.ttl(redis.keys("sql:*")[0]) <= 6


@pytest.mark.parametrize("wrong", [-1, "5", None, True, float("inf"), float("nan")])
def test_nonsense_is_named(wrong: Any) -> None:
    for name in ("max_stale", "stale_if_error"):
        with pytest.raises(ValueError, match=f"{name} is .*, must be a number of seconds"):
            Star.objects.cached(**{name: wrong})


def test_a_prefetch_is_as_late(events: list[Fetch]) -> None:
    def names() -> list[str]:
        stars = Star.objects.cached(max_stale=LONG).filter(pk=3).prefetch_related("comets")
        return [comet.name for each in stars for comet in each.comets.all()]

    assert names() == ["Halley"]
    Star.objects.get(pk=3).comets.update(name="Hale")
    assert names() == ["Halley"]
    assert of(events)[-1] == "stale"


# --- the database is away


@READS
def test_what_is_not_current_is_served_while_the_database_is_away(
    read: Read, events: list[Fetch], request: Any
) -> None:
    Star.records.late = Late(0, LONG)
    assert read(**UNLESS) == OLD
    rename()
    events.clear()
    request.getfixturevalue("database_away")
    assert elsewhere(lambda: read(**UNLESS)) == OLD
    assert events[-1].outcome == "stale"


@READS
def test_it_is_not_served_while_the_database_is_there(read: Read) -> None:
    Star.records.late = Late(0, LONG)
    assert read(**UNLESS) == OLD
    rename()
    assert read(**UNLESS) == NEW


@READS
def test_what_ended_long_ago_is_not_served(read: Read, request: Any) -> None:
    Star.records.late = Late(0, 0.05)
    brief = {"stale_if_error": 0.05}
    read(**brief)
    rename()
    request.getfixturevalue("database_away")

    def refused() -> bool:
        try:
            elsewhere(lambda: read(**brief))
        except OperationalError:
            return True
        return False

    wait_until(refused)


def test_another_error_is_raised(redis: Any) -> None:
    def value() -> int:
        return int(remember("column", broken, stale_if_error=LONG))

    remember("column", lambda: 1, stale_if_error=LONG)
    for key in redis.keys("value:*"):
        redis.delete(key)
    with pytest.raises(OperationalError if connection.vendor == "sqlite" else Exception):
        value()


def broken() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM star")
    return 2


# --- what is made of something late


def outer(**lateness: Any) -> str:
    return remember("outer", lambda: "outer " + by_query(max_stale=LONG), **lateness)


def test_what_is_made_of_something_late_is_not_kept_as_fresh(
    redis: Any, events: list[Fetch]
) -> None:
    by_query(max_stale=LONG)
    rename()
    assert outer() == f"outer {OLD}"
    assert events[-1].reason == "something that it was made of was served late"
    assert not redis.keys("value:*")
    by_query()  # fills it anew
    assert outer() == f"outer {NEW}"


def test_where_that_may_be_late_it_is_as_old_as_its_oldest_part(events: list[Fetch]) -> None:
    by_query(max_stale=LONG)
    rename()
    brief = {"max_stale": 0.3}
    assert outer(**brief) == f"outer {OLD}"
    by_query()
    assert outer() == f"outer {NEW}", "it was born unreachable"
    wait_until(lambda: outer(**brief) == f"outer {NEW}")


def test_lateness_does_not_add_up(events: list[Fetch]) -> None:
    def long_ago() -> bool:
        by_query(max_stale=LONG)
        return (events[-1].ttl or 0) < -0.25

    by_query(max_stale=LONG)
    rename()
    wait_until(long_ago)
    made = [remember("sum", lambda: by_query(max_stale=LONG), max_stale=0.2) for _ in range(2)]
    assert made == [OLD, OLD]
    assert [e.outcome for e in events if e.kind == "value"] == ["miss", "miss"], "it is too old"


def test_a_value_that_is_late_inside_of_another(redis: Any) -> None:
    def both() -> str:
        return remember("around", lambda: by_value(max_stale=LONG))

    by_value(max_stale=LONG)
    rename()
    assert both() == OLD
    by_value()
    assert both() == NEW


def test_what_is_made_without_the_database_is_not_kept(redis: Any, request: Any) -> None:
    by_query(stale_if_error=LONG)
    rename()
    request.getfixturevalue("database_away")
    made = elsewhere(lambda: remember("away", lambda: by_query(stale_if_error=LONG)))
    assert made == OLD
    assert not redis.keys("value:*")


# --- the near tier


@pytest.mark.usefixtures("near_on")
@READS
def test_the_near_tier_serves_what_is_current_alone(read: Read, events: list[Fetch]) -> None:
    read(**LATE)
    read(**LATE)
    rename()
    assert [read(**LATE) for _ in range(3)] == [OLD] * 3
    assert of(events)[-3:] == ["stale"] * 3
    assert read() == NEW


def test_redis_away_is_no_reason_to_be_late(no_redis: None, events: list[Fetch]) -> None:
    assert by_query(max_stale=LONG) == OLD
    rename()
    assert by_query(max_stale=LONG) == NEW
    assert set(of(events)) <= {"error", "bypass"}


@pytest.mark.mysql
@READS
def test_a_write_in_flight_is_no_reason_to_wait(read: Read, events: list[Fetch]) -> None:
    read(**LATE)
    with committed(rename):
        assert read(**LATE) == OLD
        assert events[-1].outcome == "stale"
