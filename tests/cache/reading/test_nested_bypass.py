"""What is computed inside of something computed, and could not ask the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from planets.cache import disabled, remember
from planets.cache.events import Fetch
from planets.cache.storage.client import Command, Exchange, Reply, client
from tests.cache.zoo.models import Comet, Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def refusing_values(usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
    """A connection that is lost whenever an entry is asked for."""
    if any(str(command[1]).startswith("value:") for command in commands):
        raise RedisConnectionError("the connection was lost")
    return usual(commands)


def comets() -> int:
    with client.through(refusing_values):
        return int(remember("comets", Comet.objects.count))


def both() -> tuple[int, int]:
    return Star.objects.count(), comets()


async def acomets() -> int:
    with client.through(refusing_values):
        return int(await remember("acomets", Comet.objects.acount))


async def aboth() -> tuple[int, int]:
    return await Star.objects.acount(), await acomets()


def outer() -> tuple[int, int]:
    found: tuple[int, int] = remember("both", both)
    return found


def aouter() -> tuple[int, int]:
    async def run() -> tuple[int, int]:
        found: tuple[int, int] = await remember("aboth", aboth)
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("fetch", [outer, aouter])
def test_the_outer_depends_on_what_an_inner_read_without_the_cache(
    fetch: Callable[[], tuple[int, int]], events: list[Fetch]
) -> None:
    """1. the outer has its lease  2. Redis fails the inner  3. Redis is back, the outer fills."""
    before = fetch()
    assert [event.outcome for event in events] == ["error", "miss"]
    Comet.objects.all()[0].delete()
    assert fetch() == (before[0], before[1] - 1)


def test_where_caching_is_disabled_nothing_asks_redis(round_trips: list[list[str]]) -> None:
    with disabled():
        outer()
    assert round_trips == []
