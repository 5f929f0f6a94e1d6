"""The last invalidations, each with its cause, and the counts of each table."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from planets.cache import invalidate, remember, stats
from planets.cache.instruments import feed, history
from planets.cache.instruments.history import Minute, Teller
from planets.cache.instruments.overview import overview
from planets.cache.instruments.standing import standings
from planets.cache.instruments.tables import tables
from planets.cache.storage import keys
from planets.cache.storage.errors import Unavailable
from planets.cache.writing import last_writes
from tests.cache.zoo.models import Comet, Star, Ticket
from tests.cache.zoo.records import star
from tests.support.another_process import another_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def begun(redis: Any, sky: None) -> Iterator[None]:
    """What was written before is no part of it."""
    last_writes.take()
    yield
    last_writes.take()


def causes() -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    feed.tell()
    return [(one.tables, one.records, one.cause) for one in feed.last()]


def test_an_invalidation_is_told_with_its_statement_without_values() -> None:
    Star.objects.filter(pk=3).update(name="Secret")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE comet SET name = 'Secret' WHERE id = 1")

    assert causes() == [
        (("comet",), (), "UPDATE comet SET name = ? WHERE id = 1"),
        (("star",), ("star:3",), "UPDATE star SET name = %s WHERE id = %s"),
    ]
    newest = feed.last()[0]
    assert newest.process == os.getpid()
    assert newest.landed
    assert abs(newest.at.timestamp() - time.time()) < 60


def test_one_by_hand_says_so_and_everything_too() -> None:
    invalidate("star")
    invalidate(everything=True)

    assert causes() == [((), (), "by hand"), (("star",), (), "by hand")]
    assert feed.last()[0].what == "everything"


def test_a_transaction_is_told_once_it_has_committed() -> None:
    with transaction.atomic():
        Star.objects.filter(pk=3).update(name="Terra")
        assert causes() == []
    with transaction.atomic():
        Star.objects.filter(pk=4).update(name="Terra")
        transaction.set_rollback(True)

    assert [records for _, records, _ in causes()] == [("star:3",)]


def test_writes_to_what_nothing_cached_reads_are_left_out() -> None:
    Ticket.objects.create(price=3)

    assert causes() == []


def test_it_keeps_the_last_ones_of_all_processes(redis: Any) -> None:
    with another_process() as other:
        pid = other.do(write_and_tell)
    Star.objects.filter(pk=3).update(name="Here")
    feed.tell()

    assert [one.process for one in feed.last()] == [os.getpid(), pid]
    for number in range(2 * feed.SHOWN):
        Star.objects.filter(pk=3).update(name=f"{number}")
    feed.tell()
    assert len(feed.last()) == redis.llen(keys.feed()) == feed.SHOWN
    assert 0 < redis.ttl(keys.feed()) <= feed.KEPT_SECONDS


def write_and_tell() -> int:
    Star.objects.filter(pk=3).update(name="There")
    feed.tell()
    return os.getpid()


def test_what_is_not_ours_in_its_place_is_nothing(redis: Any) -> None:
    redis.set(keys.feed(), "x")
    assert feed.last() == []
    redis.delete(keys.feed())
    redis.lpush(keys.feed(), "x", b"\xff")
    assert feed.last() == []


def test_without_redis_it_is_unavailable_and_to_tell_is_no_error(no_redis: None) -> None:
    Star.objects.filter(pk=3).update(name="Terra")
    feed.tell()
    with pytest.raises(Unavailable):
        feed.last()


# --- the counts of each table


def counted(before: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return dict(stats.of_tables() - before)


def test_fetches_and_writes_count_for_their_tables() -> None:
    before = stats.of_tables()
    list(Comet.objects.cached().select_related("star"))
    list(Comet.objects.cached().select_related("star"))
    star(3)
    Star.objects.filter(pk=3).update(name="Terra")

    assert counted(before) == {
        ("comet", "miss"): 1,
        ("comet", "hit"): 1,
        ("star", "miss"): 2,
        ("star", "hit"): 1,
        ("star", "written"): 1,
        ("star", "invalidated"): 1,
    }


def test_what_is_computed_counts_for_the_tables_that_it_read() -> None:
    before = stats.of_tables()
    for _ in range(2):
        remember("heaviest", lambda: Star.objects.order_by("-mass")[0].name)

    assert counted(before) == {("star", "miss"): 1, ("star", "hit"): 1}


def test_a_rollback_wrote_and_invalidated_nothing() -> None:
    before = stats.of_tables()
    with transaction.atomic():
        Star.objects.filter(pk=4).update(name="Terra")
        transaction.set_rollback(True)

    assert counted(before) == {("star", "written"): 1}


def test_made_up_tables_do_not_fill_the_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr(stats, "MOST_TABLES", len(stats._of_tables))

    before = stats.of_tables()
    stats.count_writes("written", [f"made_up_{number}" for number in range(100)])

    assert counted(before) == {}


def test_processes_tell_the_counts_of_tables_with_the_minutes() -> None:
    one, other = Teller(), Teller()
    list(Star.objects.cached())
    list(Star.objects.cached())
    Star.objects.filter(pk=3).update(name="Terra")
    one.tell()
    other.tell()
    one.tell()

    (found,) = [t for t in tables(standings(), history.history()) if t.standing.table == "star"]
    assert (found.hits, found.asked, found.writes, found.invalidations) == (2, 4, 2, 2)
    assert found.ratio == 0.5


def test_a_table_that_nothing_was_fetched_of_and_has_no_gate_is_not_listed() -> None:
    minutes = history.history()
    minutes[-1] = Minute(start=minutes[-1].start, of_tables=Counter({("star", "hit"): 1}))

    assert [found.standing.table for found in tables(standings(), minutes)] == ["star"]


def test_the_overview_has_a_rate_beside_the_ratio(redis: Any) -> None:
    minute = int(time.time()) // 60
    redis.hset(keys.minute(minute - 1), mapping={"hit": 540, "miss": 60})

    found = overview()

    seconds = history.seconds(found.minutes[-5:])
    assert 240 <= seconds <= 300
    assert found.fetches_a_second == pytest.approx(600 / seconds, rel=0.05)
    assert found.hits_a_second == pytest.approx(540 / seconds, rel=0.05)
    assert found.as_dict()["a_second"]["hits"] == pytest.approx(540 / seconds, rel=0.05)
