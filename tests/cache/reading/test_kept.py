"""What a process has served twice it keeps, and serves when Redis proves it by its head alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import msgpack

from planets.cache.events import Fetch
from planets.cache.reading import computed, computed_shelf
from planets.cache.reading.computed_shelf import ComputedShelf
from planets.cache.reading.dependencies import Tracker
from planets.cache.recent import Recent
from planets.cache.storage import keys
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]

ADDRESS, OTHER = (keys.computed("value", "tests.kept", name) for name in ("one", "other"))
WHOLE, HEAD = [["MGET"]], [["GETRANGE", "MGET"]]


@pytest.fixture(autouse=True)
def nothing_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed_shelf, "SHORT", 0)


class Process:
    """What one process knows of values; each test has some of its own."""

    def __init__(self) -> None:
        self.shelf = ComputedShelf("value", msgpack.encode, msgpack.Decoder(str).decode)

    def name_of(self, pk: int = 3, key: str = ADDRESS) -> str:
        """The name of a star, read through the cache."""

        def make(heard: Tracker) -> Any:
            return computed.made_by(heard, Star.objects.get(pk=pk).name)

        found: str = computed.fetch(computed.lookup_of(self.shelf, key, "name"), make)
        return found


def outcomes(events: list[Fetch]) -> list[str]:
    return [event.outcome for event in events if event.kind == "value"]


def test_what_was_served_is_not_sent_again(
    round_trips: list[list[str]], events: list[Fetch]
) -> None:
    process = Process()
    process.name_of()
    trips = []
    for _ in range(3):
        round_trips.clear()
        assert process.name_of() == "Electra"
        trips.append(round_trips[:])
    assert trips == [WHOLE, HEAD, HEAD]
    assert outcomes(events) == ["miss", "hit", "hit", "hit"]


def test_what_another_process_has_filled_anew_is_read_once_more(
    round_trips: list[list[str]], events: list[Fetch]
) -> None:
    process, other = Process(), Process()
    for _ in range(3):
        process.name_of()
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert other.name_of() == "Taygeta"

    round_trips.clear()
    assert process.name_of() == "Taygeta"
    assert round_trips == [*HEAD, ["GET"]]
    assert outcomes(events) == ["miss", "hit", "hit", "miss", "hit"]


def test_what_is_kept_goes_stale_with_a_write_as_what_is_sent(events: list[Fetch]) -> None:
    process = Process()
    for _ in range(3):
        process.name_of()
    Star.objects.filter(pk=3).update(name="Taygeta")
    assert [process.name_of() for _ in range(4)] == ["Taygeta"] * 4
    assert outcomes(events)[3:] == ["miss", "hit", "hit", "hit"]


def test_what_is_gone_from_redis_is_served_no_more(redis: Any, events: list[Fetch]) -> None:
    process = Process()
    for _ in range(3):
        process.name_of()
    redis.delete(ADDRESS)
    process.name_of()
    assert outcomes(events)[3:] == ["miss"]


@pytest.mark.parametrize("kept", [ADDRESS, OTHER])
def test_the_head_of_another_entry_proves_nothing(
    redis: Any, kept: str, events: list[Fetch]
) -> None:
    process = Process()
    for _ in range(3):
        process.name_of(3, ADDRESS)
        process.name_of(4, OTHER)
    (copied,) = {ADDRESS, OTHER} - {kept}
    redis.copy(kept, copied, replace=True)
    events.clear()
    assert process.name_of(3 if copied == ADDRESS else 4, copied) == (
        Star.objects.get(pk=3 if copied == ADDRESS else 4).name
    )
    assert [(event.outcome, event.cause.partition(":")[0]) for event in events] == [
        ("miss", "undecodable")
    ]


def test_a_key_of_a_wrong_type_is_a_miss(redis: Any, events: list[Fetch]) -> None:
    process = Process()
    for _ in range(3):
        process.name_of()
    redis.delete(ADDRESS)
    redis.rpush(ADDRESS, "x")
    assert process.name_of() == "Electra"
    assert outcomes(events)[3:] == ["miss"]


def test_no_more_is_kept_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, round_trips: list[list[str]]
) -> None:
    monkeypatch.setattr(computed_shelf, "KEPT_BYTES", 1)
    process = Process()
    names = [keys.computed("value", "tests.kept", number) for number in range(3)]
    for key in names * 2:
        process.name_of(3, key)
    round_trips.clear()
    for key in names:
        process.name_of(3, key)
    assert round_trips[0] == WHOLE[0]


def test_things_are_forgotten_by_their_weight() -> None:
    recent: Recent[str, int] = Recent(20)
    for name in "abcabc":
        recent.put(name, 1, weight=3)
    assert len(recent) == 3
    recent.put("d", 1, weight=9)  # half of the room is full: from now on a, b, c, d are the old
    recent.put("e", 1, weight=12)
    assert (recent.get("a"), recent.get("e")) == (None, 1)


def test_what_is_put_again_weighs_what_it_weighs_now() -> None:
    grown: Recent[str, int] = Recent(20)
    for name, weight in (("a", 2), ("b", 2), ("b", 9), ("c", 12)):
        grown.put(name, 1, weight=weight)
    assert [name for name in "abc" if name in grown] == ["c"]

    shrunk: Recent[str, int] = Recent(20)
    for name, weight in (("a", 9), ("a", 2), ("b", 7), ("c", 12)):
        shrunk.put(name, 1, weight=weight)
    assert [name for name in "abc" if name in shrunk] == ["a", "b", "c"]
