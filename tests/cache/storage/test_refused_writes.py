"""A Redis that serves reads and refuses writes cannot be told what is stale, so nobody reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from planets.cache.events import Fetch
from planets.cache.storage import wire
from planets.cache.storage.client import client
from planets.cache.storage.near import near
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

Fault = Callable[[Any], None]


def cannot_save(direct: Any) -> None:
    direct.config_set("save", "3600 1")
    folder = Path(direct.config_get("dir")["dir"]) / "dump.rdb"  # where its file is to be
    folder.mkdir()
    (folder / "in-the-way").touch()
    direct.bgsave()
    wait_until(lambda: direct.info("persistence")["rdb_last_bgsave_status"] == "err")


def pause_writes(direct: Any) -> None:
    direct.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")


def forbid(*rules: str) -> Fault:
    return lambda direct: direct.execute_command("ACL", "SETUSER", "default", *rules)


FAULTS: dict[str, tuple[Fault, Fault]] = {
    "it became a replica": (
        lambda direct: direct.replicaof("127.0.0.1", 1),
        lambda direct: direct.replicaof("NO", "ONE"),
    ),
    "it cannot save": (cannot_save, lambda direct: direct.config_set("save", "")),
    "it has too few replicas": (
        lambda direct: direct.config_set("min-replicas-to-write", 1),
        lambda direct: direct.config_set("min-replicas-to-write", 0),
    ),
    "writes are paused, as by a failover": (
        pause_writes,
        lambda direct: direct.execute_command("CLIENT", "UNPAUSE"),
    ),
    "no commands that write": (forbid("-@write"), forbid("+@all")),
    "no scripts": (forbid("-@scripting"), forbid("+@all")),
    "no keys of gates": (
        forbid("resetkeys", "%R~*", "~sql:*", "~lease:*", "~star:*"),
        forbid("allkeys"),
    ),
    "no keys of records": (
        forbid("resetkeys", "%R~*", "~sql:*", "~lease:*", "~gen:*"),
        forbid("allkeys"),
    ),
}


@contextmanager
def suffering(server: Redis, name: str) -> Iterator[None]:
    fault, undo = FAULTS[name]
    with server.client() as direct:
        try:
            fault(direct)
            yield
        finally:
            undo(direct)


def away() -> bool:
    return client.away


def tracked() -> bool:
    near.look(())
    return near.look(()) is not None


@pytest.mark.parametrize("near_tier", [False, True], ids=["", "near"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_process_that_only_reads_leaves_it_and_comes_back(
    own: Redis,
    fault: str,
    near_tier: bool,
) -> None:
    with another_process(NEAR=near_tier) as reader:
        assert reader.do(both) == reader.do(both) == {OLD}
        if near_tier:
            wait_until(lambda: reader.do(tracked))
            assert reader.do(both) == {OLD}
        with suffering(own, fault):
            rename()
            assert both() == {NEW}  # who wrote knows at once
            wait_until(lambda: reader.do(both) == {NEW} and reader.do(away))
            assert client.away
        wait_until(lambda: not client.away)
        assert client.debt == 0
        wait_until(lambda: not reader.do(away))
        assert reader.do(both) == {NEW}


def test_a_full_one_is_read_and_told_what_is_stale(
    own: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "WORD", 0)  # it is asked with every round trip
    assert both() == {OLD}
    with own.client() as direct:
        direct.config_set("maxmemory", "1")
        assert both() == {OLD}
        rename()
        assert both() == {NEW}
    assert not client.away


@pytest.mark.parametrize(("word", "greetings"), [(0, 50), (float("inf"), 0)])
def test_asking_costs_no_round_trip_and_is_not_repeated_before_its_time(
    own: Redis,
    round_trips: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    word: float,
    greetings: int,
) -> None:
    both()
    monkeypatch.setattr(wire, "WORD", word)
    client._wire.distrust()  # type: ignore[union-attr]
    both()  # a new word, which holds for so long
    round_trips.clear()
    with own.client() as direct:
        before = direct.info("commandstats")["cmdstat_eval"]["calls"]
        for _ in range(25):
            both()
        assert direct.info("commandstats")["cmdstat_eval"]["calls"] - before == greetings
    assert len(round_trips) == 50


def test_nothing_is_left_behind_by_asking(
    own: Redis,
) -> None:
    both()
    with own.client(decode_responses=True) as direct:
        before = set(direct.keys())
        client.breaker.begin("a rehearsal is wanted")
        wait_until(lambda: not client.away)
        assert set(direct.keys()) == before


# --- one thing is forbidden that fetches need


@pytest.mark.parametrize("rule", ["-hgetall", "-mget", "-get", "-set", "-hset", "-pexpire"])
def test_what_a_fetch_needs_and_may_not_do_is_told_once(
    own: Redis,
    round_trips: list[list[str]],
    caplog: Any,
    rule: str,
) -> None:
    with own.client() as direct:
        direct.execute_command("ACL", "SETUSER", "default", rule)
        direct.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    with caplog.at_level(logging.WARNING, "planets.cache"):

        def left() -> bool:
            assert both() == {OLD}
            rename(OLD)  # so that the next one is a miss
            return client.away

        wait_until(left)
        attempts = len(round_trips)
        wait_until(lambda: len(round_trips) > attempts + 10)  # the recovery's
        assert client.away
        assert both() == {OLD}
    assert [record.message.split(":")[0] for record in caplog.records] == ["Redis is left alone"]
    with own.client() as direct:
        direct.execute_command("ACL", "SETUSER", "default", "+@all")
    wait_until(lambda: not client.away)
    assert both() == {OLD}


def test_who_leaves_again_and_again_stays_away_longer(
    own: Redis,
    round_trips: list[list[str]],
    events: list[Fetch],
) -> None:
    attempts = []
    for _ in range(3):
        round_trips.clear()
        client.breaker.begin("it flaps")
        wait_until(lambda: not client.away)
        attempts.append(len(round_trips))
    first = attempts[0]
    assert attempts == [first, 2 * first, 4 * first]
    both()
    events.clear()
    both()
    assert {event.outcome for event in events} == {"hit"}
