"""The near tier on a cluster of three primaries, all of which it follows."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.cluster import key_slot

from planets.cache.events import Fetch
from planets.cache.storage import clock
from planets.cache.storage.client import client
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.support.near import trusted
from tests.support.primaries import Primaries
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

RECORD = "star:3"


@pytest.fixture
def cluster(settings: Any) -> Iterator[Primaries]:
    with Primaries(spare=1) as made:
        usual = settings.CACHES
        made.use(settings)
        settings.CACHE_ASIDE = {"NEAR": True, "BREAKER_PROBE": 0.05, "HISTORY": 0}
        near.tracking.start()
        wait_until(trusted)
        yield made
        settings.CACHE_ASIDE = {}
        settings.CACHES = usual
        assert near.tracking.thread
        near.tracking.thread.join(10)
        wait_until(lambda: not client.away)


def read_until_near(events: list[Fetch]) -> None:
    def read() -> bool:
        events.clear()
        by_record(), by_query()
        return {event.tier for event in events} == {"near"}

    wait_until(read)


def test_a_hit_asks_nobody_and_a_write_is_seen_at_once(
    cluster: Primaries, events: list[Fetch], round_trips: list[list[str]]
) -> None:
    for name in (NEW, OLD) * 5:
        read_until_near(events)
        round_trips.clear()
        by_record(), by_query()
        assert round_trips == []
        rename(name)
        assert (by_record(), by_query()) == (name, name)


def slot_of(key: str) -> int:
    return key_slot(key.encode())


def kept() -> bool:
    return RECORD in near._slots


def keep() -> None:
    """Keep something under the record's key, as a reader does after a reply."""

    def keeps() -> bool:
        near.keep(near.ticket(), [(RECORD, "value", time.time() + 60, 10)])
        return kept()

    wait_until(keeps)


def of_node(place: int, cluster: Primaries) -> str:
    """A key that lies on a node."""
    names = (f"sql:{number}" for number in range(1000))
    return next(name for name in names if cluster.owner(name) == place)


def test_each_primary_is_followed(cluster: Primaries, events: list[Fetch]) -> None:
    for place in range(3):
        listening = [c for c in cluster.tell(place, "CLIENT LIST") if "B" in c["flags"]]
        assert len(listening) == 1
        pushed = of_node(place, cluster)
        cluster.tell(place, "SET", pushed, "", "EX", 60)
        wait_until(lambda pushed=pushed: pushed in near._pushed)


def test_a_key_that_moves_between_two_primaries_is_heard_of_all_the_way(
    cluster: Primaries,
) -> None:
    """The argument of tracking.py, step by step."""
    slot, source = slot_of(RECORD), cluster.owner(RECORD)
    target = (source + 1) % 3
    cluster.tell(source, "HSET", RECORD, "name", "at first")
    cluster.begin_move(slot, source, target)
    keep()
    cluster.tell(source, "HSET", RECORD, "name", "before")
    wait_until(lambda: not kept())

    keep()
    cluster.move_keys(slot, source, target)
    wait_until(lambda: not kept())

    keep()
    with cluster.nodes[target].client(single_connection_client=True) as direct:
        direct.execute_command("ASKING")
        direct.execute_command("HSET", RECORD, "name", "after")
    wait_until(lambda: not kept())

    assert trusted()
    cluster.end_move(slot, source, target)
    keep()
    cluster.tell(target, "HSET", RECORD, "name", "at last")
    wait_until(lambda: not kept())


def test_all_is_dropped_when_a_slot_has_another_owner(
    cluster: Primaries, events: list[Fetch], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_until_near(events)
    lost: list[bool] = []
    monkeypatch.setattr(near.tracking, "_lost", lambda: (lost.append(trusted()), near.drop_all()))
    empty = next(s for s in range(16384) if not cluster.tell(0, "CLUSTER COUNTKEYSINSLOT", s))
    cluster.end_move(empty, 0, 1)  # of no key, so that no push tells of it
    wait_until(lambda: lost)
    assert lost[0], "it is dropped, and the same primaries are followed on"
    read_until_near(events)


def test_a_slot_on_its_way_to_a_primary_that_is_not_followed_turns_it_off(
    cluster: Primaries, events: list[Fetch]
) -> None:
    slot, source, spare = slot_of(RECORD), cluster.owner(RECORD), 3
    read_until_near(events)
    cluster.begin_move(slot, source, spare)
    wait_until(lambda: not trusted())
    assert not kept()
    cluster.move_keys(slot, source, spare)
    near.keep(near.ticket(), [(RECORD, "value", time.time() + 60, 10)])
    assert not kept()
    cluster.end_move(slot, source, spare)
    wait_until(trusted)  # it has slots now, and is followed with the others
    assert [c for c in cluster.tell(spare, "CLIENT LIST") if "B" in c["flags"]]
    read_until_near(events)
    rename()
    assert (by_record(), by_query()) == (NEW, NEW)


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_one_that_is_away_turns_it_off_in_one_line(
    cluster: Primaries, events: list[Fetch], caplog: Any, how: str
) -> None:
    read_until_near(events)
    away = cluster.nodes[(cluster.owner(RECORD) + 1) % 3]
    with caplog.at_level(logging.INFO, "planets.cache"):
        getattr(away, how)()
        wait_until(lambda: not trusted())
        wait_until(lambda: not kept())
        for _ in range(5):
            assert by_record() == OLD
        wait_until(lambda: near.tracking._told)
        away.start() if how == "stop" else away.resume()
        wait_until(trusted)
    read_until_near(events)
    lines = [r.message for r in caplog.records if "near tier" in r.message]
    assert len(lines) == 1, lines


def test_what_is_kept_is_trusted_only_as_long_as_the_quietest_primary(
    cluster: Primaries, events: list[Fetch]
) -> None:
    read_until_near(events)
    cluster.nodes[2].pause()
    paused = clock.now()
    wait_until(lambda: not trusted())
    cluster.nodes[2].resume()
    assert near.tracking.until <= paused + 0.75
