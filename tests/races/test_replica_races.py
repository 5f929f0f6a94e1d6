"""The races of a replica that lags. A primary and a replica really replicate, and the replica is
held up where a race wants it.

P1  a write that the replica has not applied, and a fetch
P2  a fill that began before the write
P3  two writers at once, of whom the earlier one opens the gate last
P4  a writer that is killed between COMMIT and open
P5  an invalidation that knows no position: by hand, or after a flush
P6  a page, or a value, that is made of a plain SELECT by the replica
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from planets.cache import cached_page, invalidate, remember
from planets.cache.reading import applied, replicas
from planets.cache.reading import path as read_path
from planets.cache.storage import gates, keys, scripts
from planets.cache.storage.client import client
from planets.cache.storage.position import UNKNOWN
from planets.cache.writing import primary
from planets.cache.writing.stale import Touched
from tests.cache.zoo.electra import NEW, OLD, both, by_query, by_record, rename
from tests.cache.zoo.models import Comet, Star
from tests.support.another_process import Another, another_process
from tests.support.interleave import (
    committed,
    elsewhere,
    killed,
    loaded,
    stopped,
    without_generations,
    without_lease_check,
)
from tests.support.lagging import aliases_read, known, position
from tests.support.primary import Primary
from tests.support.replicated import Pair
from tests.support.waiting import wait_until
from tests.support.watched import NAME, caught_up, setting, watching

pytestmark = pytest.mark.mysql

Patch = pytest.MonkeyPatch
NAIVE = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])
READS = pytest.mark.parametrize("read", [by_query, by_record])


def protected(naive: bool, monkeypatch: Patch) -> str:
    """What is read in the end; naive, every load reads where the router has sent it."""
    if naive:
        monkeypatch.setattr(replicas, "routed", lambda lookup, seen, outcome, load: load)
        monkeypatch.setattr(replicas, "has_applied", lambda alias, positions: True)
    return OLD if naive else NEW


@pytest.fixture
def other(pair: Pair) -> Iterator[Another]:
    """A process of the same site, forked when the test asks it first."""
    with another_process() as process:
        yield process


def now() -> str:
    """How far the primary has come."""
    connection.ensure_connection()
    return primary.position_of(connection)


def rename_outside(server: Primary) -> None:
    with server.client(database=NAME) as plain:
        plain.cursor().execute("UPDATE star SET name = %s WHERE id = 3", [NEW])


# --- P1


@NAIVE
@READS
def test_p1_a_write_that_the_replica_has_not_applied(
    pair: Pair,
    monkeypatch: Patch,
    read: Any,
    naive: bool,
) -> None:
    known()
    seen = protected(naive, monkeypatch)
    pair.lag()
    rename()
    with another_process() as other:
        assert (pair.name(pair.primary), pair.name(pair.replica)) == (NEW, OLD)
        assert other.do(read) == seen
        assert other.do(read) == seen
        pair.catch_up()
        assert pair.name(pair.replica) == NEW
        assert other.do(read) == read() == seen  # and nothing old was kept


@READS
def test_a_replica_that_has_caught_up_is_read(pair: Pair, read: Any, other: Another) -> None:
    known()
    rename()
    pair.wait_until_applied()
    assert other.do(aliases_read, read) == (NEW, ["replica"])
    assert other.do(aliases_read, read) == (NEW, [])


@READS
def test_a_replica_that_lags_is_not_read(pair: Pair, read: Any, other: Another) -> None:
    known()
    pair.lag()
    rename()
    assert other.do(aliases_read, read) == (NEW, ["default"])
    assert other.do(aliases_read, read) == (NEW, [])


def test_a_replica_that_catches_up_in_time_is_waited_for(pair: Pair, settings: Any) -> None:
    """The wait is the replica's own: it ends when the write has been applied."""
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "REPLICA_WAIT": 30}
    known()
    pair.lag()
    rename()
    asked = applied._is_waited_for
    with pytest.MonkeyPatch.context() as patch:
        # It goes on once the reader has decided to wait, and so at a moment when he does.
        patch.setattr(
            applied, "_is_waited_for", lambda alias: elsewhere(pair.catch_up) or asked(alias)
        )
        assert aliases_read(by_query) == (NEW, ["replica"])


def test_what_only_another_table_waits_for_is_read_of_the_replica(pair: Pair) -> None:
    """One gate a table: a replica that lags behind the stars has the comets."""
    list(Comet.objects.cached().order_by("id"))
    assert position("comet")
    known()
    pair.lag()
    rename()
    count = Comet.objects.cached().filter(name="Halley").count
    assert aliases_read(count) == (1, ["replica"])


# --- P2


@READS
def test_p2_a_fill_that_began_before_the_write(pair: Pair, read: Any) -> None:
    """It has waited for what was written before it looked, and has loaded; then somebody writes."""
    known()
    invalidate(Star)
    with loaded(read) as reader:
        pair.lag()
        rename()
    assert reader.result == OLD
    assert read() == NEW
    pair.catch_up()
    assert read() == NEW


@NAIVE
@READS
def test_p2_a_fill_that_looked_before_the_write_and_loads_after_it(
    pair: Pair,
    monkeypatch: Patch,
    read: Any,
    naive: bool,
) -> None:
    """The replica has all that was written before the look: that is old, and must not be kept."""
    known()
    rename("Maia")
    pair.wait_until_applied()
    pair.lag()
    with stopped(read_path, "load_missing", read, after=False) as reader:
        rename()
    assert reader.result == "Maia"
    if naive:
        without_generations(monkeypatch)
        without_lease_check(monkeypatch)
    assert read() == NEW


# --- P3


def without_comparison(patch: Patch) -> None:
    """A gate keeps the position of the writer who opens it last."""
    text = scripts.text
    further = "tonumber(position:match('^%d+')) > tonumber(at:match('^%d+'))"
    assert further in text("hold")
    patch.setattr(scripts, "text", lambda name: text(name).replace(further, "true"))


@NAIVE
def test_p3_two_writers_of_whom_the_earlier_one_opens_last(
    pair: Pair,
    monkeypatch: Patch,
    naive: bool,
) -> None:
    """The replica has what the one wrote, and not yet what the other did."""
    known()
    if naive:
        without_comparison(monkeypatch)
    with committed(lambda: rename("Maia")):
        pair.wait_until_applied()
        pair.lag()
        rename()
    assert (position() == now()) is not naive
    assert both() == {"Maia" if naive else NEW}
    pair.catch_up()
    assert both() == {"Maia" if naive else NEW}


@pytest.mark.parametrize(
    "somebody",
    [
        lambda: invalidate(Star),
        lambda: client.call(gates.open(keys.gate("default", "star"), "somebody")),
    ],
    ids=["invalidate()", "another program"],
)
def test_p3_of_two_of_whom_one_knows_no_position_the_gate_keeps_none(
    pair: Pair,
    somebody: Any,
) -> None:
    known()
    with committed(rename):
        somebody()
    assert position() == UNKNOWN
    pair.lag()
    assert both() == {NEW}


def test_p3_a_writer_who_comes_back_after_his_hold_was_lost_adds_to_what_is_there(
    pair: Pair,
) -> None:
    """Redis has lost his hold, and a later writer has come and gone meanwhile."""
    known()
    with committed(lambda: rename("Maia")):
        client.call(("DEL", keys.gate("default", "star")))
        rename()
        further = now()
        assert position() == further
    assert position() == further
    with committed(lambda: rename("Maia")):
        client.call(("DEL", keys.gate("default", "star")))
    assert position() == UNKNOWN  # nobody knows whom it was lost from besides


# --- P4


def _die_after_commit() -> None:
    connections.close_all()
    Touched.open = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    rename()


def test_p4_a_writer_that_is_killed_between_commit_and_open(pair: Pair, settings: Any) -> None:
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "WRITE_DEADLINE": 1}
    known()
    pair.lag()
    assert killed(_die_after_commit) == -signal.SIGKILL
    gate = keys.gate("default", "star")
    assert client.call(("GET", gate))[0].startswith(b"w:")
    assert aliases_read(by_query) == (NEW, ["default"])  # its gate is closed
    wait_until(lambda: client.call(("GET", gate)) == [None])
    assert aliases_read(by_query) == (NEW, ["default"])  # and says no position after it
    assert position() == now()
    pair.catch_up()
    assert both() == {NEW}


# --- P5


def test_p5_what_has_no_position_is_the_primarys_and_gets_one(pair: Pair) -> None:
    known()
    pair.lag()
    rename_outside(pair.primary)  # nobody hears of it
    invalidate(Star)
    assert aliases_read(by_query) == (NEW, ["default"])
    assert position() == now()
    assert both() == {NEW}
    pair.catch_up()
    invalidate("comet")
    assert aliases_read(lambda: Star.objects.cached().filter(name=NEW).count()) == (1, ["replica"])


def test_p5_after_a_flush_nothing_is_known(pair: Pair, redis: Any) -> None:
    known()
    pair.lag()
    rename()
    redis.flushdb()
    client.doubt()
    assert aliases_read(by_query) == (NEW, ["default"])
    pair.catch_up()
    assert both() == {NEW}


def test_p5_a_position_of_before_a_failover_gives_way_to_the_primarys_own(pair: Pair) -> None:
    known()
    order, _, gtids = now().partition("/")
    (reply,) = client.call(gates.admit(keys.gate("default", "star")))
    token = gates.generation(reply)
    assert token
    head = gtids.rpartition("-")[0]
    lost = f"{int(order) + 1000}/{head}-{int(order) + 1000}"
    client.call(gates.stamp(keys.gate("default", "star"), token, lost))
    assert position() == lost
    count = Star.objects.cached().filter(name=OLD).count
    assert aliases_read(count) == (1, ["default"])
    assert position() == now()
    count = Star.objects.cached().filter(name=NEW).count
    assert aliases_read(count) == (0, ["replica"])


def test_p5_a_watcher_adds_its_own_position_to_what_a_gate_says(pair: Pair, settings: Any) -> None:
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, **setting()}
    known()
    with watching() as found:
        pair.lag()
        rename_outside(pair.primary)
        wait_until(lambda: caught_up(found, pair.primary))
        assert position() == now()
        assert both() == {NEW}
        pair.catch_up()
        rename()
        wait_until(lambda: caught_up(found, pair.primary))
        assert position() == now()  # of a write of Django's it is told twice
        pair.wait_until_applied()
        assert aliases_read(by_query) == (NEW, ["replica"])


# --- P6


def by_value() -> str:
    return str(remember("electra", lambda: Star.objects.get(pk=3).name))


def by_page() -> str:
    return Client().get("/stars/3/plain/").content.decode()


@NAIVE
@pytest.mark.parametrize("read", [by_value, by_page])
def test_p6_what_is_made_of_a_plain_read_of_a_replica_that_lags_is_not_kept(
    pair: Pair,
    monkeypatch: Patch,
    settings: Any,
    read: Any,
    naive: bool,
) -> None:
    settings.ROOT_URLCONF = __name__
    known()
    seen = protected(naive, monkeypatch)
    pair.lag()
    rename()
    with another_process() as other:
        other.do(read)  # it is as old as a plain read is
        pair.catch_up()
        assert other.do(read) == read() == seen


@pytest.mark.parametrize("read", [by_value, by_page])
def test_p6_of_a_replica_that_has_caught_up_it_is_kept(
    pair: Pair, settings: Any, redis: Any, read: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    rename()
    pair.wait_until_applied()
    for nothing_is_known in (False, True):
        if nothing_is_known:
            redis.flushdb()
            client.doubt()
        with another_process() as other:
            assert other.do(aliases_read, read) == (NEW, ["replica"])
            assert other.do(aliases_read, read) == (NEW, [])


def test_p6_it_waits_for_each_table_that_it_comes_to(pair: Pair) -> None:
    """The comets were asked for when the replica had them; the stars it has not."""
    list(Comet.objects.cached())
    known()
    assert position("comet")

    def make() -> list[str]:
        counted = Comet.objects.count()
        pair.lag()
        elsewhere(rename)
        return [str(counted), Star.objects.get(pk=3).name]

    assert remember("both", make) == ["4", OLD]
    pair.catch_up()
    assert remember("both", lambda: ["made", "anew"]) == ["made", "anew"]


# --- the page of P6


@cached_page
def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Star.objects.get(pk=3).name)


urlpatterns = [path("stars/3/plain/", plain)]
