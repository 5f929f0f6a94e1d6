from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from planets.cache.events import Fetch
from planets.cache.storage.errors import Unavailable
from planets.cache.warming import BATCH, JOBS, Job, Warmed, count_jobs, record_jobs, warm
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def all_of(*names: str) -> list[Job]:
    return [job for name in names for job in JOBS[name]()]


def result(jobs: Any, workers: int = 2) -> Warmed:
    *_, last = warm(jobs, workers=workers)
    return last


def test_what_is_cold_is_filled_and_what_is_warm_is_only_looked_at(redis: Any) -> None:
    first = result(all_of("records", "queries"))
    assert (first.warm, first.missed.total()) == (0, 0)
    assert first.filled > 8

    redis.delete("star:3")
    again = result(all_of("records", "queries"))
    assert (again.filled, again.warm) == (1, first.filled - 1)


def test_there_are_as_many_jobs_as_counted(redis: Any) -> None:
    Star.objects.bulk_create(Star(name=f"Star {n}") for n in range(BATCH))

    assert {name: len(all_of(name)) for name in JOBS} == count_jobs()


def test_every_batch_of_records_is_filled(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tables of other apps may have rows as well.
    monkeypatch.setattr("planets.cache.warming.BY_TABLE", {"star": Star.records})
    Star.objects.bulk_create(Star(name=f"Star {n}") for n in range(2 * BATCH))

    assert result(record_jobs()).filled == 2 * BATCH + 8
    assert len(redis.keys("star:*")) == 2 * BATCH + 8


def test_no_more_jobs_are_under_way_than_workers(redis: Any) -> None:
    lock = threading.Lock()
    both = threading.Barrier(2, timeout=30)
    running = most = 0

    def job() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()  # it takes two at once
        with lock:
            running -= 1

    list(warm([job] * 20, workers=2))

    assert most == 2


def test_jobs_are_made_only_as_they_are_needed(redis: Any) -> None:
    made = 0

    def jobs() -> Any:
        nonlocal made
        while True:
            made += 1
            yield lambda: None

    tallies = warm(jobs(), workers=2)
    next(tallies)
    tallies.close()

    assert made == 5


def test_what_a_job_raises_reaches_the_caller_and_ends_the_workers(redis: Any) -> None:
    before = threading.active_count()

    def job() -> None:
        raise LookupError("no such star")

    with pytest.raises(LookupError, match="no such star"):
        list(warm([job], workers=2))
    assert threading.active_count() == before


@pytest.mark.mysql
def test_workers_leave_no_connection_behind(redis: Any) -> None:
    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.processlist")
            return int(cursor.fetchone()[0])

    before = connections()
    result(all_of("records", "queries"), workers=4)
    # The server takes a moment to notice that a client has gone.
    for _ in range(1000):
        if connections() <= before:
            return
    raise AssertionError("connections were left open")


def test_it_ends_when_redis_goes_away(no_redis: None) -> None:
    jobs = all_of("queries")

    with pytest.raises(Unavailable):
        list(warm(jobs, workers=1))


def test_what_was_not_stored_is_counted_by_its_reason() -> None:
    def event(outcome: Any, reason: str = "") -> Fetch:
        return Fetch(
            kind="sql", key="sql:1", sql="", tables=(), outcome=outcome, tier="database", ms=1.0,
            reason=reason,
        )  # fmt: skip

    tally = Warmed()
    tally.hear(event("hit"))
    tally.hear(event("miss"))
    tally.hear(event("miss", "not stored: too long"))
    tally.hear(event("bypass", "caching is disabled"))

    assert tally.as_dict() == {
        "warm": 1,
        "filled": 1,
        "missed": {"not stored: too long": 1, "caching is disabled": 1},
    }
