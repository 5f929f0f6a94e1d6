"""Who asks for a TTL is served nothing older, whoever filled it and for however long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from planets.cache import Records, cached_page, fetch, remember
from planets.cache.events import Fetch
from planets.cache.orm.queryset import CacheAsideQuerySet
from planets.cache.reading import computed, lookup
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

SQL = "SELECT name FROM star WHERE id = 3"

KEPT: Any = Star.objects.cached().filter(pk=4)
KEPT_SHORT: Any = Star.objects.cached(ttl=10).filter(pk=4)

# How to read with a TTL (None: the default).
READS: dict[str, Callable[[float | None], Any]] = {
    "cached": lambda ttl: list(Star.objects.cached(ttl=ttl).filter(pk=3)),
    "count": lambda ttl: Star.objects.cached(ttl=ttl).count(),
    "kept": lambda ttl: (KEPT_SHORT if ttl else KEPT).all()[0],
    "fetch": lambda ttl: fetch(SQL, ttl=ttl),
    "records": lambda ttl: SHORT.get(3) if ttl else Star.records.get(3),
    "absence": lambda ttl: SHORT.get(99) if ttl else Star.records.get(99),
    "remember": lambda ttl: remember("three", lambda: 3, ttl=ttl or 3600),
}
SHORT: Any = Records.__new__(Records)  # not declared: the table's records are the model's own
SHORT.ttl, SHORT.model, SHORT.names = 10, Star, Star.records.names


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """So many seconds pass on this machine's clock; Redis keeps what it has."""
    now = time.time

    def passed(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return passed


@pytest.mark.parametrize("name", READS)
def test_what_another_filled_for_longer_is_served_while_it_is_young(
    redis: Any, events: list[Fetch], later: Any, name: str
) -> None:
    read = READS[name]
    read(None)
    events.clear()
    read(10)
    later(8)
    read(10)
    assert {event.outcome for event in events} == {"hit"}
    later(12)
    events.clear()
    read(10)
    assert [event.outcome for event in events if event.key] == ["miss"]
    read(None)  # one entry serves both
    read(10)
    assert [event.outcome for event in events] == ["miss", "hit", "hit"]


def test_the_default_is_a_bound_too(redis: Any, events: list[Fetch], later: Any) -> None:
    for read in (lambda ttl: list(Star.objects.cached(ttl=ttl)), lambda ttl: fetch(SQL, ttl=ttl)):
        later(0)
        read(86_400)
        later(300)
        read(None)
        later(340)
        read(86_400)
        read(None)
    assert [event.outcome for event in events] == ["miss", "hit", "hit", "miss"] * 2


def test_a_clock_that_is_wrong_refuses_nothing_of_the_same_ttl(
    redis: Any, events: list[Fetch], later: Any
) -> None:
    list(Star.objects.cached(ttl=10))
    later(5000)
    list(Star.objects.cached(ttl=10))
    list(Star.objects.cached())
    assert [event.outcome for event in events] == ["miss", "hit", "hit"]


def test_an_exact_time_is_not_bounded_by_the_default(
    redis: Any, events: list[Fetch], later: Any
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    list(Star.objects.cached(expire_at=tomorrow))
    later(3600)
    list(Star.objects.cached(expire_at=tomorrow))
    assert [event.outcome for event in events] == ["miss", "hit"]


def test_the_ttl_of_a_class_is_a_bound(redis: Any, events: list[Fetch], later: Any) -> None:
    class Hasty(CacheAsideQuerySet[Any]):
        cache_ttl = 10

    hasty = Hasty(Star)
    list(Star.objects.cached())
    list(hasty.cached())
    later(12)
    list(hasty.cached())
    assert [event.outcome for event in events] == ["miss", "hit", "miss"]


def test_the_near_tier_keeps_the_bound(
    near_on: None, events: list[Fetch], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        list(Star.objects.cached())
    monkeypatch.setattr(lookup, "oldest", lambda ttl: -1.0)
    monkeypatch.setattr("planets.cache.reading.row_format.oldest", lambda ttl: -1.0)
    list(Star.objects.cached(ttl=10))
    assert events[-1].outcome == "miss"


def test_a_page_may_give_a_status_a_longer_life_than_its_own(redis: Any) -> None:
    from planets.cache.pages.middleware import SHELF

    assert computed.lookup_of(SHELF, "page:x", "x", 10).max_age == pytest.approx(11)
    assert computed.lookup_of(SHELF, "page:x", "x").max_age is None


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan"), "5", timedelta(seconds=5)])
def test_what_is_no_ttl_is_refused_everywhere(ttl: Any) -> None:
    hasty: Any = type("Hasty", (CacheAsideQuerySet,), {"cache_ttl": ttl})
    uses: tuple[Callable[[], object], ...] = (
        lambda: Star.objects.cached(ttl=ttl),
        lambda: hasty(Star).cached(),
        lambda: fetch(SQL, ttl=ttl),
        lambda: Records(ttl=ttl),
        lambda: remember("name", list, ttl=ttl),
        lambda: cached_page(ttl=ttl),
    )
    for use in uses:
        with pytest.raises(ValueError, match=r"ttl is .*, must be more than 0 seconds"):
            use()
