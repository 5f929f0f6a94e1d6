"""expire(): ends the TTL of one entry, as time would."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache import fetch
from planets.cache.events import Fetch
from planets.cache.invalidation import expire
from tests.cache.zoo.records import star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def test_an_entry_ends_and_is_known_to_have_expired(redis: Any, events: list[Fetch]) -> None:
    for ask in (lambda: fetch("SELECT name FROM star"), lambda: star(3)):
        ask()
        key = events[-1].key
        assert expire(key)
        assert not redis.exists(key)
        ask()
        ask()
        missed, hit = events[-2:]
        assert (missed.outcome, hit.outcome) == ("miss", "hit")
        assert missed.memory.startswith("expired 0.0 s ago")


def test_what_is_not_there_has_nothing_to_end(redis: Any) -> None:
    assert not expire("star:3")


@pytest.mark.parametrize("key", ["gen:x:star", "lease:star:3", "session", ""])
def test_what_is_no_entry_is_left(redis: Any, key: str) -> None:
    redis.set(key, "o:x")
    with pytest.raises(ValueError, match="is not an entry: name a record"):
        expire(key)
    assert redis.get(key) == "o:x"
