"""The story of a request: each fetch as look, then a hit, or claim, load and fill."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from planets.cache import disabled, fetch, fetched, invalidated
from planets.cache.fragments import fragment
from planets.cache.instruments.story import Part, Story, story
from planets.cache.instruments.timeline import Timeline
from planets.cache.instruments.trips import redis_away
from planets.cache.reading import reporting
from planets.cache.storage import keys
from planets.cache.storage.client import client
from planets.cache.writing import observer
from tests.cache.zoo.models import Comet, Star
from tests.cache.zoo.records import star, stars

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

NAME = "SELECT name FROM star WHERE id = %s"


def told(*acts: Any, params: bool = False) -> Story:
    with Timeline() as timeline:
        for act in acts:
            act()
    return story(timeline, params=params)


def steps(part: Part) -> list[str]:
    return [step.name for step in part.steps]


def by_id() -> Any:
    return fetch(NAME, [3])


def piece() -> str:
    """Of two fetches, and a statement that is not cached."""
    return str(
        fragment(
            "piece",
            (1,),
            lambda: f"{by_id()}{star(3)}{Comet.objects.filter(star_id=3).count()}",
        )
    )


def test_a_miss_and_then_a_hit() -> None:
    found = told(by_id, by_id)
    miss, hit = found.parts
    assert (miss.outcome, steps(miss)) == ("miss", ["look", "claim", "load", "fill"])
    assert (hit.outcome, steps(hit)) == ("hit", ["look"])
    assert (found.trips, found.queries) == (4, 1)
    assert miss.ran == [NAME]
    assert not hit.ran
    assert miss.steps[-1].bytes > 0
    assert [gate["of"] for gate in hit.gates] == ["*", "star"]
    assert all(len(gate["generation"]) == 16 for gate in hit.gates)


def test_steps_lie_in_their_order_within_the_whole() -> None:
    found = told(by_id)
    (part,) = found.parts
    ends = [0.0]
    for step in part.steps:
        assert step.x >= ends[-1] - 1  # the narrowest bars are widened to be seen
        ends.append(step.x + step.width)
        assert ends[-1] <= 100.01
    assert sum(step.ms for step in part.steps) <= part.ms * 1.01 <= found.ms * 1.02


def test_what_is_computed_holds_what_it_is_made_of() -> None:
    found = told(piece, piece)
    whole, query, record, statement, again = found.parts
    assert [part.depth for part in found.parts] == [0, 1, 1, 1, 0]
    assert [part.kind for part in found.parts] == [
        "fragment", "sql", "record", "statement", "fragment",
    ]  # fmt: skip
    assert steps(whole) == steps(query) == steps(record) == ["look", "claim", "load", "fill"]
    assert steps(statement) == ["gates", "load"]
    assert steps(again) == ["look"]
    assert {gate["of"] for gate in again.gates} == {"*", "star", "star#rows", "comet"}
    assert [record["key"] for record in again.records] == ["star:3"]
    assert [one["key"] for one in found.fetched("record")] == ["star:3"]


def test_records_of_one_round_trip_are_one_part() -> None:
    (part,) = told(lambda: stars([1, 2, 3])).parts
    assert [one["key"] for one in part.fetches] == ["star:1", "star:2", "star:3"]


def test_of_a_batch_that_is_partly_there_the_worse_is_told() -> None:
    star(1)
    (part,) = told(lambda: stars([1, 2])).parts
    assert part.outcome == "miss"


def test_a_write_closes_before_it_runs_and_opens_after() -> None:
    found = told(lambda: Star.objects.filter(pk=3).update(name="Taygeta"))
    (part,) = found.parts
    assert (part.kind, steps(part)) == ("write", ["close", "write", "open"])
    (invalidation,) = found.invalidations
    assert set(invalidation["keys"]) == {keys.gate("default", "star"), "star:3"}


def test_parameters_are_told_on_request_alone() -> None:
    plain = lambda: Star.objects.filter(name="Secret").count()  # noqa: E731
    acts = [lambda: fetch(NAME, [3]), lambda: fetch(NAME, [3]), plain]
    assert [part.params for part in told(*acts, params=True).parts] == ["3", "3", "'Secret'"]
    quiet = json.dumps(told(*acts).as_dict())
    assert "Secret" not in quiet
    assert not any(part.params for part in told(*acts).parts)


def test_parameters_are_in_no_event_and_not_in_redis(redis: Any, events: list[Any]) -> None:
    fetch("SELECT name FROM star WHERE name = %s", ["Secret"])
    assert "Secret" not in str(events)
    assert not any("Secret" in str(redis.dump(key)) for key in redis.keys("sql:*"))


def test_where_redis_is_away_for_one_nobody_else_notices() -> None:
    by_id()
    with redis_away():
        away = told(by_id)
        others: list[str] = []

        def elsewhere() -> None:
            with Timeline() as timeline:
                client.ask(("PING",))
            others.extend(trip.name for trip in timeline.trips if trip.answered)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert others == ["look"]
    (part,) = away.parts
    assert (part.outcome, steps(part)) == ("error", ["look", "load"])
    assert not part.steps[0].answered
    assert (away.trips, away.queries) == (0, 1)
    assert part.fetches[0]["reason"] == "Redis was taken away from this request"
    for _ in range(5):  # more than BREAKER_FAILURES
        with redis_away():
            by_id()
    assert not client.breaker.reason
    assert told(by_id).parts[0].outcome == "hit"


def test_without_the_cache_it_is_a_load() -> None:
    with disabled():
        (part,) = told(by_id).parts
    assert (part.outcome, steps(part)) == ("bypass", ["load"])


def test_nobody_hears_when_all_have_stopped() -> None:
    usual = client._exchange
    one, two = Timeline(), Timeline()
    for timeline in (one, two):
        timeline.start()
        timeline.start()
    by_id()
    for timeline in (one, two):  # not in the order of a stack
        timeline.stop()
        timeline.stop()
    by_id()
    assert len(one.reads) == len(two.reads) == 1
    assert client._exchange == usual
    assert not fetched.receivers
    assert not invalidated.receivers
    assert not [hear for hear in reporting.hearers if "timeline" in hear.__module__]
    assert not [hear for hear in observer.witnesses if "timeline" in hear.__module__]


def test_threads_each_tell_their_own_story() -> None:
    barrier, found = threading.Barrier(4), list[Story]()

    def one(pk: int) -> None:
        from django.db import connection

        with Timeline() as timeline:
            barrier.wait(30)
            star(pk)
            barrier.wait(30)
        found.append(story(timeline))
        connection.close()

    threads = [threading.Thread(target=one, args=[pk]) for pk in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told_keys = [[one["key"] for one in each.fetched()] for each in found]
    assert sorted(told_keys) == [["star:1"], ["star:2"], ["star:3"], ["star:4"]]


@pytest.mark.asyncio
async def test_tasks_each_tell_their_own_story(async_database: None) -> None:
    async def one(pk: int) -> list[str]:
        with Timeline() as timeline:
            await sync_to_async(star)(pk)
        return [one["key"] for one in story(timeline).fetched()]

    first, second = await asyncio.gather(one(1), one(2))
    assert (first, second) == (["star:1"], ["star:2"])
