"""Nobody waits for a fill, and one that does not land is a miss for the next one, never stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from planets.cache import remember, stats
from planets.cache.events import fetched
from planets.cache.reading import path
from planets.cache.storage import keys
from planets.cache.storage.client import client
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def before_fills(monkeypatch: pytest.MonkeyPatch, how: Callable[[], None]) -> None:
    """Have `how` happen between each load and its fill."""
    load_missing = path.load_missing

    def loaded(*args: Any) -> path.Loaded:
        found = load_missing(*args)
        how()
        return found

    monkeypatch.setattr(path, "load_missing", loaded)


def test_a_miss_does_not_wait_for_its_fill(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    star(1)
    client.call(("PING",))
    before = stats.counts().get(("fill", "stored"), 0)
    before_fills(monkeypatch, lambda: redis.execute_command("CLIENT", "PAUSE", "60000", "WRITE"))
    try:
        assert star(3)  # and no timeout
        assert client.away is False
        assert stats.counts()["fill", "stored"] == before
    finally:
        redis.execute_command("CLIENT", "UNPAUSE")
    client.call(("PING",))
    assert stats.counts()["fill", "stored"] == before + 1
    assert redis.exists("star:3")


def test_who_listens_is_told_what_came_of_it(redis: Any) -> None:
    events: list[Any] = []

    def hear(event: Any, **kwargs: Any) -> None:
        events.append(event)

    fetched.connect(hear)
    try:
        before = stats.counts().get(("fill", "stored"), 0)
        assert star(3)
        assert stats.counts()["fill", "stored"] == before + 1
    finally:
        fetched.disconnect(hear)
    assert events[0].outcome == "miss"


@pytest.mark.parametrize("loss", ["refused", "lease lost", "connection cut"])
def test_what_is_computed_from_a_record_that_was_not_stored_is_made_anew(
    redis: Any, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    client.call(("PING",))

    def lose() -> None:
        if loss == "refused":
            redis.config_set("maxmemory", 1)
        elif loss == "lease lost":
            redis.delete(keys.lease("star:3"))
        else:
            redis.client_kill_filter(_type="normal", skipme=True)

    made: list[str] = []

    def name() -> str:
        found = star(3)
        assert found
        made.append(found.name)
        return str(found.name)

    with monkeypatch.context() as patch:
        before_fills(patch, lose)
        try:
            first = remember("name", name)
        finally:
            redis.config_set("maxmemory", 0)
    # Written by somebody of whom nobody here hears but by the record's own gate: as any save.
    Star.objects.filter(pk=3).update(name="New")
    assert remember("name", name) == "New" != first
    assert remember("name", name) == "New"
