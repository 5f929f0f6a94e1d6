"""Who expects a miss: what his look takes, what a wrong guess costs, and who does not guess."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from planets.cache import remember
from planets.cache.events import Fetch
from planets.cache.reading import foresight
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.testing.isolation import isolated
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars
from tests.support.interleave import elsewhere
from tests.support.servers import Redis

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]

OWN_LOOK = ["claim", "MGET"]


def named(name: str) -> list[Star]:
    """The same statement for each name."""
    return list(Star.objects.cached().filter(name=name))


def held() -> list[str]:
    """The leases that somebody has."""
    return [key.decode() for key in client.redis().scan_iter("lease:*")]


@pytest.fixture
def missed(sky: None, redis: Any, round_trips: list[list[str]]) -> None:
    """A statement has missed, and its gates are open."""
    named("Electra")
    star(3)
    round_trips.clear()


def by_another_process(read: Any) -> None:
    """It is there, and this process has never met it."""
    read()
    foresight._claimed.clear()


# --- a guess that was right


@pytest.mark.usefixtures("missed")
def test_a_miss_after_a_miss_waits_for_one_round_trip(round_trips: list[list[str]]) -> None:
    assert [found.name for found in named("Maia")] == ["Maia"]
    assert round_trips == [OWN_LOOK, ["fill_string"]]
    round_trips.clear()
    assert [found.name for found in named("Maia")] == ["Maia"]
    assert round_trips == [["MGET"]]
    assert held() == []


@pytest.mark.usefixtures("missed")
def test_a_record_too(round_trips: list[list[str]]) -> None:
    assert star(4)
    assert star(4)
    assert round_trips == [["claim", "HGETALL", "MGET"], ["fill_hash"], ["HGETALL", "MGET"]]


def test_a_value_too(round_trips: list[list[str]]) -> None:
    for number in range(3):
        assert remember("number", lambda number=number: number, vary=(number,)) == number
    assert round_trips == [
        *(["MGET"], ["admit", "claim", "MGET"], ["fill_string"]),
        *(OWN_LOOK, ["fill_string"]),
        *(OWN_LOOK, ["fill_string"]),
    ]
    assert held() == []


@pytest.mark.usefixtures("missed")
def test_many_records_of_which_some_are_there(round_trips: list[list[str]], redis: Any) -> None:
    by_another_process(lambda: star(5))
    round_trips.clear()
    assert list(stars([4, 5, 6])) == [4, 5, 6]
    assert round_trips == [
        ["claim", "claim", "claim", "HGETALL", "HGETALL", "HGETALL", "MGET"],
        ["release"],
        ["fill_hash", "fill_hash"],
    ]
    assert held() == []


# --- what a look cannot do by itself


@pytest.mark.usefixtures("missed")
def test_gates_that_are_gone_are_opened_under_the_same_lease(round_trips: list[list[str]]) -> None:
    Star.objects.filter(pk=3).update(mass=2)
    round_trips.clear()
    assert named("Maia")
    assert round_trips == [OWN_LOOK, ["admit", "claim", "MGET"], ["fill_string"]]
    assert held() == []
    round_trips.clear()
    assert named("Maia")
    assert round_trips == [["MGET"]]


@pytest.mark.usefixtures("missed")
def test_what_another_is_loading_is_waited_for(redis: Any, events: list[Fetch]) -> None:
    """The lease is his: his fill is served, and not loaded a second time."""
    key = keys.lease("star:4")
    redis.set(key, "l:another", px=60_000)
    waits: list[Any] = []
    ask = client.call

    def and_filled(*commands: Any) -> Any:
        replies = ask(*commands)
        if not waits and "Takes the lease" in str(commands[0][1]):
            waits.append(commands)
            redis.delete(key)
            elsewhere(lambda: star(4))
        return replies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "call", and_filled)
        assert star(4)
    assert [event.outcome for event in events] == ["miss", "hit"]
    assert waits


@pytest.mark.usefixtures("missed")
def test_behind_a_closed_gate_no_lease_is_kept(redis: Any, events: list[Fetch]) -> None:
    client.call(gates.close(keys.gate("default", "star"), "writer"))
    assert named("Maia")
    assert held() == []
    assert [event.reason for event in events] == ["a write to its tables is in flight"]


# --- a guess that was wrong


@pytest.mark.usefixtures("missed")
def test_what_is_there_is_served_and_the_lease_given_back(round_trips: list[list[str]]) -> None:
    by_another_process(lambda: named("Maia"))
    by_another_process(lambda: named("Merope"))
    round_trips.clear()
    assert named("Maia")
    assert round_trips == [OWN_LOOK, ["release"]]
    assert held() == []
    round_trips.clear()
    named("Merope")
    assert round_trips == [["MGET"]], "who was wrong does not guess again"


@pytest.mark.usefixtures("missed")
def test_nobody_waits_for_a_lease_to_be_given_back() -> None:
    """It is posted, and lands before the next command of the same connection."""
    by_another_process(lambda: named("Maia"))
    asked: list[Any] = []
    call = client.call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_exchange", client._straight)  # nobody looks on
        patch.setattr(client, "call", lambda *commands: asked.append(commands) or call(*commands))
        assert named("Maia")
        assert [len(commands) for commands in asked] == [2]
        client.call(("PING",))  # over the same connection
    assert held() == []


def test_of_a_full_redis_hits_are_served(own: Redis, events: list[Fetch]) -> None:
    by_another_process(lambda: named("Maia"))
    named("Electra")
    events.clear()
    with own.client() as direct:
        direct.config_set("maxmemory", 1)
        assert named("Maia")
        assert [event.outcome for event in events] == ["hit"]
        assert not direct.keys("lease:*")


@pytest.mark.usefixtures("missed")
def test_a_reply_that_is_lost_leaves_no_lease() -> None:
    exchange = client._exchange

    def losing(commands: Any) -> Any:
        replies = exchange(commands)
        if held():
            raise RedisConnectionError("lost")
        return replies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_exchange", losing)
        assert named("Maia")
    assert held() == []


# --- who does not guess


@pytest.mark.usefixtures("missed")
def test_of_a_large_batch(round_trips: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "MOST", 2)
    stars([5, 6])
    stars([7, 8, 9])
    assert round_trips[0] == ["claim", "claim", "HGETALL", "HGETALL", "MGET"]
    assert round_trips[2] == ["HGETALL", "HGETALL", "HGETALL", "MGET"]


@pytest.mark.parametrize("more", [{"second_sight": True}, {"max_stale": 5}])
def test_where_perhaps_nothing_is_to_be_filled(
    round_trips: list[list[str]], more: dict[str, Any]
) -> None:
    stars = Star.objects.cached(**more)
    for name in ("Electra", "Electra", "Maia", "Merope"):
        list(stars.filter(name=name))
    assert round_trips.count(["MGET"]) == 4, "each begins with a plain look"


def test_after_hits_alone(round_trips: list[list[str]]) -> None:
    by_another_process(lambda: named("Maia"))
    foresight.forget()
    round_trips.clear()
    for name in ("Maia", "Electra"):
        named(name)
    assert round_trips[:2] == [["MGET"], ["MGET"]]


@pytest.mark.usefixtures("missed")
def test_after_one_that_met_a_writer(round_trips: list[list[str]]) -> None:
    """He may hold his gates for long, and nothing is filled meanwhile."""
    client.call(gates.close(keys.gate("default", "star"), "writer"))
    round_trips.clear()
    for name in ("Maia", "Merope", "Alcyone"):
        named(name)
    assert round_trips == [OWN_LOOK, ["release"], ["MGET"], ["MGET"]]


@pytest.mark.usefixtures("missed")
def test_in_another_key_space(round_trips: list[list[str]]) -> None:
    with isolated():
        round_trips.clear()
        named("Maia")
        assert round_trips[0] == ["MGET"]


@pytest.mark.asyncio
async def test_a_task_that_could_be_cancelled_meanwhile(
    redis: Any, async_database: None, round_trips: list[list[str]]
) -> None:
    async def number() -> int:
        return 3

    for n in range(3):
        await remember("number", number, vary=(n,))
    assert round_trips.count(["MGET"]) == 3, "each begins with a plain look"
