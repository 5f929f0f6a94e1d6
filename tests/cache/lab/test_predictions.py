"""What is predicted of a statement, and what happens when it is done: within five points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from planets.cache.events import Fetch
from planets.cache.instruments.account import sharing
from planets.cache.instruments.account.listener import Listener
from planets.cache.lab.evidence import Evidence
from planets.cache.storage.client import client
from tests.cache.lab.traffic import Traffic, ratio
from tests.cache.zoo.models import Comet, Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked however busy the machine is."""
    monkeypatch.setattr(client.pace, "round_trip", lambda seconds: None)


def evidence(listener: Listener, word: str) -> Evidence:
    """Of the one SELECT whose text has this word."""
    assert listener.tell()
    ledger = sharing.together(sharing.ledgers())
    (digest,) = [name for name, line in ledger.of("read").items() if word in line.text]
    return Evidence(digest, ledger.lines[digest], ledger)


def rename() -> None:
    Star.objects.filter(pk=5).update(description="as before")


def read_plain(pk: int) -> Any:
    return list(Star.objects.filter(position__gt=pk))


def read_cached(ttl: float) -> Callable[[int], Any]:
    def read(pk: int) -> Any:
        return list(Star.objects.cached(ttl=ttl).filter(position__gt=pk))

    return read


@pytest.mark.parametrize(
    ("sets", "every", "ttl", "seconds"),
    [
        (1, 0, 300, 0),
        (12, 40, 300, 0),
        (12, 3, 300, 0),
        (40, 100, 300, 0),
        (500, 60, 300, 0),
        (100, 0, 0.5, 3),
        (5, 0, 0.2, 3),
        (5, 30, 0.3, 3),
    ],
)
def test_a_prediction_followed_comes_true(
    listener: Listener,
    redis: Any,
    events: list[Fetch],
    sets: int,
    every: int,
    ttl: float,
    seconds: float,
) -> None:
    # Where time counts there is more of it between calls than a busy machine takes for one.
    calls = 300 if seconds else 1000
    plan: Any = {"parameters": range(sets), "calls": calls, "write": rename, "every": every}
    Traffic(read_plain, **plan, seconds=seconds).run()
    found = evidence(listener, "`position` > ?")
    predicted = found.predicted(ttl).ratio
    assert found.line.calls == calls

    Traffic(read_cached(ttl), **plan, seconds=seconds).run()

    happened = ratio(events)
    assert predicted == pytest.approx(happened, abs=0.05)


def test_it_comes_true_for_the_next_ttl(
    listener: Listener, redis: Any, events: list[Fetch]
) -> None:
    """Of what is cached already."""
    Traffic(read_cached(0.1), range(5), calls=200, seconds=2).run()
    found = evidence(listener, "`position` > ?")
    assert found.ratio == pytest.approx(found.predicted(0.1).ratio, abs=0.05)
    predicted = found.predicted(0.6).ratio
    events.clear()
    redis.flushdb()

    Traffic(read_cached(0.6), range(5), calls=200, seconds=2).run()

    assert predicted == pytest.approx(ratio(events), abs=0.05)


def test_writes_to_other_tables_count_for_nothing(listener: Listener, redis: Any) -> None:
    comet = Comet.objects.create(star_id=3, name="Encke")
    Traffic(read_plain, range(3), 100, comet.save, 5).run()

    assert evidence(listener, "`position` > ?").predicted(300).misses == 3


def test_what_is_rolled_back_counts_for_nothing(listener: Listener, redis: Any) -> None:
    def give_up() -> None:
        with transaction.atomic():
            rename()
            transaction.set_rollback(True)

    Traffic(read_plain, range(3), 100, give_up, 5).run()

    assert evidence(listener, "`position` > ?").predicted(300).misses == 3


def test_what_is_hot_already_counts_for_nothing(
    listener: Listener, redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"HOT": {"star": ["position"]}}

    def view() -> None:
        Star.objects.filter(pk=3).update(position=F("position"))

    def names(mass: int) -> list[str]:
        return list(Star.objects.cached().filter(mass__gt=mass).values_list("name", flat=True))

    Traffic(names, range(3), 100, view, 5).run()
    found = evidence(listener, "`mass` > ?")

    assert found.predicted(300).misses == 3
    assert found.hot is None
    assert ratio(events) == 0.97
