"""What is predicted of values, of second sight, and what happens when it is done."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from planets.cache import remember
from planets.cache.events import Fetch
from planets.cache.instruments.account import sharing
from planets.cache.instruments.account.listener import Listener
from planets.cache.lab import advisor
from planets.cache.lab.evidence import Evidence
from planets.cache.reading import sight
from planets.cache.recent import Recent
from planets.cache.storage.client import client
from tests.cache.lab.traffic import Traffic, ratio
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def nobody_has_seen() -> Recent[str, bool]:
    return Recent[str, bool](sight.REMEMBERED)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked however busy the machine is, and nothing was seen yet."""
    monkeypatch.setattr(client.pace, "round_trip", lambda seconds: None)
    monkeypatch.setattr(sight, "_seen", nobody_has_seen())


def evidence(listener: Listener, word: str) -> Evidence:
    assert listener.tell()
    ledger = sharing.together(sharing.ledgers())
    (digest,) = [name for name, line in ledger.lines.items() if word in line.text]
    return Evidence(digest, ledger.lines[digest], ledger)


def rename() -> None:
    Star.objects.filter(pk=5).update(description="as before")


def read_plain(pk: int) -> Any:
    return list(Star.objects.filter(position__gt=pk))


def at_second_sight(pk: int) -> Any:
    return list(Star.objects.cached(second_sight=True).filter(position__gt=pk))


def value(**lifetime: Any) -> Callable[[int], Any]:
    def read(pk: int) -> Any:
        def make() -> int:
            return Star.objects.filter(position__gt=pk).count()

        return remember("brighter", make, vary=(pk,), **lifetime)

    return read


@pytest.mark.parametrize(("sets", "every"), [(12, 40), (300, 0), (500, 60)])
def test_second_sight_is_predicted(
    listener: Listener, redis: Any, events: list[Fetch], sets: int, every: int
) -> None:
    plan: Any = {"parameters": range(sets), "calls": 1000, "write": rename, "every": every}
    Traffic(read_plain, **plan).run()
    found = evidence(listener, "`position` > ?")
    at_once, predicted = found.predicted().ratio, found.predicted(second_sight=True).ratio

    Traffic(at_second_sight, **plan).run()

    assert predicted == pytest.approx(ratio(events), abs=0.05)
    assert predicted < at_once


def test_second_sight_by_three_processes_is_predicted(
    listener: Listener, redis: Any, events: list[Fetch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each remembers for itself what it has seen."""
    plan: Any = {"parameters": range(200), "calls": 1000}
    Traffic(read_plain, **plan).run()
    found = evidence(listener, "`position` > ?")
    by_one = found.predicted(second_sight=True).ratio
    found.ledger.tellers = [1, 2, 3]
    predicted = found.predicted(second_sight=True).ratio
    memories, chance = [nobody_has_seen() for _ in range(3)], random.Random(5)

    def by_any(pk: int) -> Any:
        monkeypatch.setattr(sight, "_seen", chance.choice(memories))
        return at_second_sight(pk)

    Traffic(by_any, **plan).run()

    assert predicted == pytest.approx(ratio(events), abs=0.05)
    assert predicted < by_one - 0.05


def test_what_is_kept_at_second_sight_already_is_predicted_so(
    listener: Listener, redis: Any
) -> None:
    Traffic(at_second_sight, range(300), 600).run()
    found = evidence(listener, "`position` > ?")

    assert found.predicted().ratio == pytest.approx(found.ratio, abs=0.05)


def test_a_value_of_a_longer_ttl_is_predicted(
    listener: Listener, redis: Any, events: list[Fetch], settings: Any
) -> None:
    settings.CACHE_ASIDE = {"JITTER": 0}
    plan: Any = {"parameters": range(5), "calls": 200, "seconds": 3}
    Traffic(value(ttl=0.1), **plan).run()
    found = evidence(listener, "value brighter")
    assert found.predicted().ratio == pytest.approx(found.ratio, abs=0.05)
    predicted = found.predicted(0.8).ratio
    redis.flushdb()
    events.clear()

    Traffic(value(ttl=0.8), **plan).run()

    assert predicted == pytest.approx(ratio(events), abs=0.05)
    assert predicted > found.ratio + 0.1


def test_a_value_that_is_written_often_is_predicted(
    listener: Listener, redis: Any, events: list[Fetch]
) -> None:
    plan: Any = {"parameters": range(4), "calls": 300, "write": rename, "every": 3}
    Traffic(value(), **plan).run()
    found = evidence(listener, "value brighter")
    assert found.predicted().ratio == pytest.approx(found.ratio, abs=0.05)
    predicted = found.when_late(300).ratio
    redis.flushdb()
    events.clear()

    Traffic(value(max_stale=300), **plan).run()

    served = sum(event.outcome in ("hit", "stale") for event in events) / len(events)
    assert predicted == pytest.approx(served, abs=0.05)
    assert predicted > found.ratio + 0.1


def test_what_is_never_stored_is_advised_against_with_the_reason(
    listener: Listener, redis: Any
) -> None:
    Traffic(lambda _: remember("no plain type", object), calls=30).run()
    assert listener.tell()

    (advice,) = advisor.report().advice
    assert advice.statement == "value no plain type"
    assert advice.sentence.startswith("stop caching that: 0 % hits, ")
    assert "30 misses, of which 30 were not stored (the last: " in advice.arithmetic[-1]
