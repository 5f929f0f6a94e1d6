from __future__ import annotations

from typing import Any

import pytest

from planets.cache.conf import conf
from planets.cache.events import Fetch
from tests.cache.zoo.models import Keeper

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_test_has_a_key_space(redis: Any, cache_aside_isolated: str) -> None:
    assert cache_aside_isolated == conf().PREFIX
    Keeper.objects.cached().count()
    assert redis.keys(f"{cache_aside_isolated}sql:*")


def test_it_hears_every_fetch(redis: Any, cache_aside_events: list[Fetch]) -> None:
    for _ in range(2):
        Keeper.objects.cached().count()
    assert [event.outcome for event in cache_aside_events] == ["miss", "hit"]


def test_it_sees_every_round_trip(redis: Any, cache_aside_round_trips: list[list[str]]) -> None:
    for _ in range(2):
        Keeper.objects.cached().count()
    assert len(cache_aside_round_trips) == 4
    look, *_ = cache_aside_round_trips[3]
    assert look.startswith("MGET sql:")
