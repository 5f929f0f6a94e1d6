"""The near tier: nothing asked on a hit, and never what Redis has said is gone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage.near import Near, near
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars
from tests.support.interleave import elsewhere, killed, stopped
from tests.support.near import trusted
from tests.support.outage import another_redis, use
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.fixture
def own(near_on: None, settings: Any) -> Iterator[Redis]:
    """A Redis to ill-treat, with the near tier following it."""
    with another_redis(settings) as server:
        follow(server)
        yield server


def follow(server: Redis) -> None:
    def followed() -> bool:
        with server.client() as direct:
            return trusted() and any("B" in c["flags"] for c in direct.client_list())

    wait_until(followed)


def read_until_near(events: list[Fetch]) -> None:
    """Fill Redis, then this process: a push that is still on its way may refuse the first."""

    def read() -> bool:
        events.clear()
        by_record(), by_query()
        return {event.tier for event in events} == {"near"}

    wait_until(read)


def test_a_hit_asks_nobody(
    near_on: None, events: list[Fetch], round_trips: list[list[str]], django_assert_num_queries: Any
) -> None:
    read_until_near(events)
    round_trips.clear()
    with django_assert_num_queries(0):
        assert (by_record(), by_query()) == (OLD, OLD)
    assert round_trips == []
    assert [event.tier for event in events[-2:]] == ["near", "near"]


def test_a_batch_is_near_when_all_of_it_is(near_on: None, events: list[Fetch]) -> None:
    def all_near() -> bool:
        events.clear()
        assert len(stars([1, 2, 99])) == 2
        return {event.tier for event in events} == {"near"}

    wait_until(all_near)
    assert len(events) == 3


def test_this_process_sees_its_own_write_at_once(near_on: None, events: list[Fetch]) -> None:
    for name in (NEW, OLD) * 20:
        read_until_near(events)
        rename(name)
        assert (by_record(), by_query()) == (name, name)


@pytest.mark.mysql
def test_another_process_is_told_by_redis(near_on: None, events: list[Fetch]) -> None:
    read_until_near(events)
    assert killed(rename) == 0
    wait_until(lambda: (by_record(), by_query()) == (NEW, NEW))


@pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])
def test_a_push_between_the_reply_and_keeping_it(
    near_on: None, redis: Any, naive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_query()
    by_query()
    near.drop_all()
    if naive:
        monkeypatch.setattr(Near, "ticket", lambda self: 2**60)
    with stopped(Near, "keep", by_query, after=False):
        rename()
        # Pushes come in order: with this one, all that the write has caused are here.
        redis.set("sql:sentinel", "", ex=60)
        wait_until(lambda: "sql:sentinel" in near._pushed)
    # The old entry is kept with the old gate, and nothing more will ever be pushed of either.
    assert (by_query() == OLD) == naive


def test_a_flush_empties_it(near_on: None, redis: Any, events: list[Fetch]) -> None:
    read_until_near(events)
    redis.flushdb()
    wait_until(lambda: "star:3" not in near._slots)


def test_a_key_deleted_by_hand_is_gone(near_on: None, redis: Any, events: list[Fetch]) -> None:
    read_until_near(events)
    redis.delete("star:3")
    wait_until(lambda: "star:3" not in near._slots)


def test_expiry_is_kept(near_on: None, settings: Any, events: list[Fetch]) -> None:
    settings.CACHE_ASIDE = {"NEAR": True, "TTL": 1, "JITTER": 0}
    read_until_near(events)
    wait_until(lambda: "star:3" not in near._slots)


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_silence_turns_it_off_and_a_new_connection_on_again(
    own: Redis, events: list[Fetch], how: str
) -> None:
    read_until_near(events)
    getattr(own, how)()
    wait_until(lambda: not trusted())
    wait_until(lambda: "star:3" not in near._slots)
    assert by_record() == OLD
    own.start() if how == "stop" else own.resume()
    wait_until(trusted)
    read_until_near(events)


def test_a_cut_connection_empties_it(own: Redis, events: list[Fetch]) -> None:
    read_until_near(events)
    with own.client() as direct:
        direct.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    wait_until(lambda: "star:3" not in near._slots)
    follow(own)
    read_until_near(events)


def test_a_forked_process_begins_with_none_of_it(near_on: None, events: list[Fetch]) -> None:
    read_until_near(events)

    def child() -> None:
        fresh = "star:3" not in near._slots and not trusted()
        os._exit(0 if fresh and by_record() == OLD else 1)

    assert killed(child) == 0


def test_it_is_bounded(near_on: None, settings: Any) -> None:
    settings.CACHE_ASIDE = {"NEAR": True, "NEAR_BYTES": 20_000}
    for _ in range(3):
        stars(range(1, 9))
        for number in range(30):
            Star.objects.cached().filter(mass__gt=number).count()
    assert 0 < near._weight <= 20_000
    assert sum(slot.weight for slot in near._slots.values()) == near._weight


def test_a_model_that_is_handed_values_can_change_none_of_them(
    near_on: None, events: list[Fetch], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_until_near(events)
    handed: list[Any] = []

    def from_db(db: str, names: Any, values: Any, **options: Any) -> Star:
        handed.append(values)
        return Star(**dict(zip(names, values, strict=True)))

    monkeypatch.setattr(Star, "from_db", from_db)
    monkeypatch.setattr("planets.cache.records.builder", lambda model: model)
    star(3)
    assert [type(values) for values in handed] == [tuple]


def test_nobody_can_change_what_another_gets(near_on: None, events: list[Fetch]) -> None:
    read_until_near(events)
    mine = star(3)
    assert mine
    mine.name = "mine"
    rows = list(Star.objects.cached().filter(pk=3))
    rows[0].name = "mine"
    assert (by_record(), by_query()) == (OLD, OLD)
    assert Star.objects.cached().filter(pk=3)[0].name == OLD


def test_a_redis_that_cannot_track_is_said_once_and_used_without(
    settings: Any, caplog: Any, events: list[Fetch]
) -> None:
    usual = settings.CACHES
    with Redis() as server, server.client() as direct:
        direct.execute_command("ACL", "SETUSER", "default", "-client|tracking")
        use(settings, server.url)
        with caplog.at_level(logging.WARNING, "planets.cache.storage.tracking"):
            settings.CACHE_ASIDE = {"NEAR": True}
            by_record()
            wait_until(lambda: "cannot track keys" in caplog.text)
        by_record()
        assert events[-1].tier == "redis"
        settings.CACHE_ASIDE = {}
        settings.CACHES = usual
    near.reset()


@pytest.mark.mysql
def test_another_threads_write_is_seen_at_once_too(near_on: None, events: list[Fetch]) -> None:
    for name in (NEW, OLD) * 10:
        read_until_near(events)
        elsewhere(lambda name=name: rename(name))
        assert (by_record(), by_query()) == (name, name)
