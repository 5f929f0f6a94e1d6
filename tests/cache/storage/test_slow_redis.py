"""A Redis that answers, late: fetches leave it where that costs more than it saves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from planets.cache import remember, stats
from planets.cache.events import Fetch
from planets.cache.storage import pace
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, by_query, rename
from tests.cache.zoo.models import Star
from tests.support.another_process import another_process
from tests.support.outage import use
from tests.support.relay import Relay
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

LATE = 0.2  # seconds
TIMEOUT = 5.0  # seconds; it answers, so this must not be what tells


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow is what is slow outside of tests."""
    monkeypatch.setattr(pace, "QUICK", 0.01)


@pytest.fixture
def relay(own: Redis, settings: Any) -> Iterator[Relay]:
    """The way to it, which can be slow."""
    with Relay(own.socket) as way:
        use(settings, f"redis://127.0.0.1:{way.port}/0", TIMEOUT)
        client.pace._load = 0.0  # what loads took in other tests
        yield way
        way.delay = 0
        wait_until(lambda: not client.avoided)
        use(settings, own.url)


def reasons(events: list[Fetch]) -> set[str]:
    events.clear()
    both()
    return {event.reason for event in events}


def test_fetches_leave_a_slow_one_and_come_back_when_it_is_quick(
    relay: Relay,
    events: list[Fetch],
    caplog: Any,
) -> None:
    assert both() == both() == {OLD}
    with caplog.at_level(logging.WARNING, "planets.cache"):
        relay.delay = LATE
        wait_until(lambda: reasons(events) == {"Redis is slower than the database"})
        assert both() == {OLD}
        assert not client.away
        relay.delay = 0
        wait_until(lambda: not client.avoided)
    assert both() == {OLD}
    assert reasons(events) == {""}
    assert {event.outcome for event in events} == {"hit"}
    left, back = caplog.messages
    assert left.startswith("Redis is left alone: a round trip took 2")
    assert back.startswith("Redis is back: a round trip took ")


def test_a_write_waits_for_it_and_is_seen_by_those_who_have_not_left(
    relay: Relay,
    own: Redis,
    settings: Any,
    events: list[Fetch],
) -> None:
    both()
    use(settings, own.url)
    with another_process() as reader:  # by another way
        assert reader.do(both) == reader.do(both) == {OLD}
        use(settings, f"redis://127.0.0.1:{relay.port}/0", TIMEOUT)
        relay.delay = LATE
        wait_until(lambda: reasons(events) == {"Redis is slower than the database"})
        rename()
        assert client.debt == 0
        assert reader.do(both) == {NEW}


def test_what_is_computed_meanwhile_asks_it_for_nothing(
    relay: Relay,
    events: list[Fetch],
    round_trips: list[list[str]],
) -> None:
    both()
    relay.delay = LATE
    wait_until(lambda: reasons(events) == {"Redis is slower than the database"})
    round_trips.clear()
    assert remember("stars", lambda: [s.name for s in Star.objects.all()])[2] == OLD
    assert [trip for trip in round_trips if trip != ["PING"]] == []


def test_a_slow_one_before_a_database_that_is_slower_is_worth_it(
    relay: Relay,
    events: list[Fetch],
) -> None:
    both()
    for _ in range(100):
        stats.spent("load", 10 * LATE)
    relay.delay = LATE
    for _ in range(15):
        assert by_query() == OLD
    assert {event.outcome for event in events[2:]} == {"hit"}


def test_one_pause_is_no_reason(
    relay: Relay,
    events: list[Fetch],
) -> None:
    both()
    for _ in range(5):
        relay.delay = LATE
        both()
        relay.delay = 0
        for _ in range(20):
            both()
    assert not client.avoided
    assert {event.outcome for event in events[-200:]} == {"hit"}


def test_a_process_whose_threads_are_busy_does_not_blame_redis(
    own: Redis,
    events: list[Fetch],
) -> None:
    both()
    client.pace._load = 0.0
    together = threading.Barrier(8)

    def work() -> None:
        together.wait(30)
        for _ in range(60):
            sum(range(100_000))  # some milliseconds, in which no other thread runs
            by_query()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {event.outcome for event in events[2:]} == {"hit"}
