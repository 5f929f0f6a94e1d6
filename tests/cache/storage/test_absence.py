"""Coming back to Redis: not while something is owed, and not before the others have paid."""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.storage.absence import CALM, Absence
from planets.cache.storage.breaker import Breaker
from planets.cache.storage.client import client
from tests.cache.zoo.electra import NEW, OLD, both, rename
from tests.support.another_process import another_process
from tests.support.interleave import Stop
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def away() -> bool:
    return client.away


@pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])
def test_what_comes_to_be_owed_at_the_last_moment_is_paid_first(
    own: Redis,
    monkeypatch: pytest.MonkeyPatch,
    naive: bool,
) -> None:
    stop, come_back = Stop(), Absence._come_back
    assert both() == both() == {OLD}

    def late(self: Absence) -> bool:
        if not stop.reached.is_set():
            stop()
        return come_back(self)

    monkeypatch.setattr(Absence, "_come_back", late)
    if naive:
        monkeypatch.setattr(Breaker, "ends", lambda self: "all is well")
    client.breaker.begin("somebody found it away")
    stop.wait()
    client.breaker.reached = False  # a write has just failed
    rename()  # is owed: the last attempt has been made
    assert client.debt
    stop.go.set()
    wait_until(lambda: not client.away)
    assert bool(client.debt) == naive
    assert both() == ({OLD} if naive else {NEW})
    client.breaker.begin("what the naive one owes")
    monkeypatch.undo()
    wait_until(lambda: not client.debt and not client.away)


def test_writes_come_back_before_fetches_do(
    own: Redis, round_trips: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_process() as reader:  # which has not noticed anything
        assert reader.do(both) == reader.do(both) == {OLD}
        client.breaker.begin("it was away for this process alone")
        monkeypatch.setattr(client.breaker, "_needed", float("inf"))
        wait_until(lambda: client.breaker.reached)
        rename()
        assert client.debt == 0
        assert reader.do(both) == {NEW}
        assert client.away
        round_trips.clear()
        assert both() == {NEW}
        assert [trip for trip in round_trips if trip[0] != "PING"] == []
        monkeypatch.undo()
    wait_until(lambda: not client.away)


def test_who_owes_nothing_comes_back_after_those_who_owe(
    own: Redis,
    settings: Any,
) -> None:
    # Both try every 0.2 seconds, the reader CALM times: the writer has paid after one.
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "BREAKER_PROBE": 0.2}
    assert CALM >= 3
    with another_process() as reader:
        assert reader.do(both) == reader.do(both) == {OLD}
        with own.client() as direct:
            for name in (NEW, OLD):
                direct.replicaof("127.0.0.1", 1)
                rename(name)
                wait_until(lambda name=name: reader.do(both) == {name} and reader.do(away))
                direct.replicaof("NO", "ONE")
                seen: set[str] = set()
                while reader.do(away):
                    seen |= reader.do(both)
                seen |= reader.do(both)
                assert seen == {name}
                wait_until(lambda: not client.away)
