"""P7: two writers at once, of whom Redis has forgotten the later one when the earlier one opens.

The earlier one knows how far the primary had come before the later one wrote. The node of their
gate dies, and its replica, which takes its place, knows the hold of the earlier one alone: it would
say his position, which a replica of the database may have applied, without what the later wrote.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from planets.cache.storage import gates, keys, scripts
from planets.cache.storage.client import client
from planets.cache.storage.position import UNKNOWN
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Star
from tests.support.cluster import Cluster, Node, using
from tests.support.interleave import committed
from tests.support.lagging import aliases_read, known, position
from tests.support.outage import another_redis
from tests.support.replicated import Pair
from tests.support.waiting import wait_until
from tests.support.watched import NAME

pytestmark = pytest.mark.mysql

NAIVE = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])
READS = pytest.mark.parametrize("read", [by_query, by_record])


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def redis(made: Cluster, settings: Any) -> Iterator[Cluster]:
    """What the fixture `pair` wants: the cluster that the cache uses, empty and whole."""
    with using(settings, made):
        for node in made.nodes:
            if node.is_primary:
                node.ask("FLUSHALL")
        client.doubt()
        yield made
        for node in made.nodes:
            if not node.process:
                node.start()
                wait_until(lambda node=node: node.ask("ROLE")[3:4] == [b"connected"])
        made.wait_until_whole()


@pytest.fixture
def apart(pair: Pair, redis: Cluster, settings: Any) -> Cluster:
    """The gate of the stars lies on another node than all gates that are read beside it."""
    numbers = itertools.count()
    while not _lies_apart(redis):
        settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "PREFIX": f"{next(numbers)}-"}
    return redis


def _lies_apart(cluster: Cluster) -> bool:
    *others, mine = map(cluster.primary, keys.gates_of_records("default", "star"))
    return mine not in others


def gate() -> str:
    return keys.gate("default", "star")


def name_the_first(name: str = "Maia") -> None:
    Star.objects.filter(pk=1).update(name=name)


def without_the_run(patch: pytest.MonkeyPatch) -> None:
    """A gate that is held says nothing of the run that it was closed in."""
    text = scripts.text
    asked = "not held:find(of, 1, true)"
    assert asked in text("hold")
    patch.setattr(scripts, "text", lambda name: text(name).replace(asked, "false"))


def level(primary: Node, heir: Node) -> bool:
    """Whether the one has got all that the other was told."""
    return bool(primary.ask("ROLE")[1] == heir.ask("ROLE")[4])


def forgotten(cluster: Cluster, key: str, write: Callable[[], None]) -> None:
    """A write of which the node of a key has heard, and not the replica that takes its place."""
    primary = cluster.primary(key)
    heir = cluster.replica(primary)
    wait_until(lambda: level(primary, heir))
    heir.pause()
    primary.ask("CLIENT", "KILL", "TYPE", "replica")
    write()
    assert client.debt == 0
    primary.stop(signal.SIGKILL)
    heir.resume()
    wait_until(lambda: heir.is_primary)
    cluster.wait_until_whole()


@NAIVE
@READS
def test_p7_a_failover_that_forgets_the_later_of_two_writers(
    pair: Pair, apart: Cluster, monkeypatch: pytest.MonkeyPatch, read: Any, naive: bool
) -> None:
    if naive:
        without_the_run(monkeypatch)
    known()
    with committed(name_the_first):
        pair.wait_until_applied()
        pair.lag()
        forgotten(apart, gate(), rename)
    wait_until(lambda: not client.away)
    assert aliases_read(read) == ((OLD, ["replica"]) if naive else (NEW, ["default"]))
    pair.catch_up()
    assert read() == (OLD if naive else NEW)  # what was kept


def test_p7_who_closes_it_after_the_failover_tells_his_position(pair: Pair, apart: Cluster) -> None:
    """He asks the primary after all that was forgotten has been committed."""
    known()
    forgotten(apart, gate(), rename)
    name_the_first()
    wait_until(lambda: not client.away)
    pair.wait_until_applied()
    assert position() != UNKNOWN
    assert aliases_read(by_query) == (NEW, ["replica"])


def test_p7_two_of_whom_one_has_closed_it_before_the_failover_tell_none(
    pair: Pair, apart: Cluster
) -> None:
    known()
    with committed(name_the_first):
        forgotten(apart, gate(), rename)
        with committed(lambda: name_the_first("Sterope")):
            (held,) = client.call(("GET", gate()))
            assert held.count(b",") == 1, "both hold it"
    wait_until(lambda: not client.away)
    assert position() == UNKNOWN


def test_p7_a_gate_whose_slot_has_moved_meanwhile_tells_none(pair: Pair, apart: Cluster) -> None:
    """What lies there is of a run that the other node never had."""
    known()
    source = apart.primary(gate())
    target = next(node for node in apart.nodes if node.is_primary and node is not source)
    with committed(rename):
        apart.move(apart.slot(gate()), target)
    assert position() == UNKNOWN
    assert aliases_read(by_query) == (NEW, ["default"])
    assert position() != UNKNOWN
    apart.move(apart.slot(gate()), source)


@NAIVE
@READS
def test_p7_one_redis_that_forgets_where_the_earlier_one_held_everything(
    pair: Pair, settings: Any, monkeypatch: pytest.MonkeyPatch, read: Any, naive: bool
) -> None:
    """His statement was in doubt. The gate of everything tells for all of the others there."""
    if naive:
        without_the_run(monkeypatch)

    def in_doubt() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {NAME}.star SET name = 'Maia' WHERE id = 1")

    with another_redis(settings, dbfilename="dump.rdb") as server:
        known()
        with committed(in_doubt):
            pair.wait_until_applied()
            pair.lag()
            with server.client() as plain:
                plain.save()
            rename()
            server.restart(signal.SIGKILL)
        wait_until(lambda: not client.away)
        assert aliases_read(read) == ((OLD, ["replica"]) if naive else (NEW, ["default"]))
        pair.catch_up()


def test_what_another_run_has_left_in_a_gate_that_is_held_is_no_position(
    pair: Pair, redis: Cluster
) -> None:
    there = "7/0-1-7"
    another = b"@" + b"0" * 40 + b"@"
    for run, left in ((None, f"p:={there}@".encode()), (another, None), (b"", None)):
        client.call(("DEL", gate()), gates.close(gate(), "one"), gates.close(gate(), "two"))
        client.call(gates.open(gate(), "two", there))
        (held,) = client.call(("GET", gate()))
        mine = held[held.index(b"@", held.index(b"@") + 1) : held.index(b"=")]
        assert len(mine) == 42
        if run is not None:
            client.call(("SET", gate(), held.replace(mine, run), "PX", 1000))
        client.call(gates.open(gate(), "one", "6/0-1-6"))
        (found,) = client.call(("GET", gate()))
        assert (found and found[: found.index(b"@") + 1]) == left, held
