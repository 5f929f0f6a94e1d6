"""The races of writes from outside of Django, each forced, with the watcher of the binlog.

W1  an outside write between load and fill
W2  a fill that starts before and ends after the invalidation
W3  a load between the event and its commit: the server sends the one before the other
W4  the watcher is killed between invalidation and position
W5  two watchers; the one that works falls asleep, and wakes up after its turn
W6  Redis is flushed in between
W7  Redis is away while it is written
W8  the connection to the database is cut
W9  a writer of Django's dies before it has invalidated
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from planets.cache.storage import keys
from planets.cache.watching import watcher as watchers
from planets.cache.watching.source import Source
from planets.cache.watching.turn import Turn
from planets.cache.watching.watcher import Watcher
from planets.cache.writing.stale import Touched
from tests.cache.zoo.electra import NEW, OLD, both, by_query, by_record, rename
from tests.support.interleave import (
    Stop,
    elsewhere,
    killed,
    loaded,
    without_generations,
    without_lease_check,
)
from tests.support.outage import another_redis
from tests.support.primary import Primary
from tests.support.waiting import wait_until
from tests.support.watched import NAME, Watching, caught_up, watching

pytestmark = pytest.mark.mysql

Patch = pytest.MonkeyPatch
NAIVE = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])
READS = pytest.mark.parametrize("read", [by_query, by_record])


def rename_outside(server: Primary, name: str = NEW) -> None:
    with server.client(database=NAME) as plain:
        plain.cursor().execute("UPDATE star SET name = %s WHERE id = 3", [name])


def protected(naive: bool, monkeypatch: Patch) -> str:
    """What is read in the end; naive, without what closes the race."""
    if naive:
        without_generations(monkeypatch)
        without_lease_check(monkeypatch)
    return OLD if naive else NEW


@NAIVE
@READS
def test_w1_an_outside_write_between_load_and_fill(
    watched: Primary, read: Callable[[], str], naive: bool, monkeypatch: Patch
) -> None:
    expected = protected(naive, monkeypatch)
    with watching() as found:
        with loaded(read):
            rename_outside(watched)
            wait_until(lambda: found.watcher.state.invalidations > 1)
        assert read() == expected


@NAIVE
@READS
def test_w2_a_fill_that_starts_before_and_ends_after_the_invalidation(
    watched: Primary, read: Callable[[], str], naive: bool, monkeypatch: Patch
) -> None:
    """Meanwhile another reader has filled what is new."""
    expected = protected(naive, monkeypatch)
    with watching() as found:
        with loaded(read):
            rename_outside(watched)
            wait_until(lambda: found.watcher.state.invalidations > 1)
            assert read() == NEW
        assert read() == expected


@READS
def test_w3_nothing_is_invalidated_before_it_can_be_read(
    watched: Primary, read: Callable[[], str], monkeypatch: Patch
) -> None:
    """What the watcher waits for is what others see: at each invalidation the new row is there."""
    seen: list[tuple[float, float]] = []
    invalidate = Watcher._invalidate
    written = 0.0
    plain = watched.client(database=NAME)

    def looked(self: Watcher, touched: Touched) -> None:
        if touched.tables:
            event = batches[-1]
            with plain.cursor() as cursor:
                cursor.execute("SELECT mass FROM star WHERE id = 3")
                seen.append((event, cursor.fetchone()[0]))
        invalidate(self, touched)

    batches: list[float] = []
    values = watchers.Batch.add

    def noted(self: Any, change: Any) -> None:
        batches.append(
            float(change.writes and next(iter(change.writes)).sql.split("=")[1].split()[0])
        )
        values(self, change)

    monkeypatch.setattr(Watcher, "_invalidate", looked)
    monkeypatch.setattr(watchers.Batch, "add", noted)
    with watched.client() as root, root.cursor() as cursor:
        if watched.flavor == "mysql":
            cursor.execute("SET GLOBAL binlog_rows_query_log_events = ON")
    with watching(), watched.client(database=NAME) as writer, writer.cursor() as cursor:
        for number in range(1, 1001):
            written = float(number)
            cursor.execute(f"UPDATE star SET mass = {number} WHERE id = 3")
        wait_until(lambda: seen and seen[-1][0] == written)
    plain.close()
    assert [pair for pair in seen if pair[1] < pair[0]] == []


def work_and_die() -> None:
    """A watcher that is killed when it has invalidated a write, and not yet stored where."""
    invalidate = Watcher._invalidate

    def fatal(self: Watcher, touched: Touched) -> None:
        invalidate(self, touched)
        if touched.tables:
            os.kill(os.getpid(), signal.SIGKILL)

    Watcher._invalidate = fatal  # type: ignore[method-assign]
    Watcher("default", {NAME: "default"}, lambda what, more: None).run()


def test_w4_killed_between_invalidation_and_position(watched: Primary) -> None:
    with watching():
        pass  # it has left a position
    assert both() == {OLD}
    connections.close_all()
    timer = threading.Timer(1.0, rename_outside, [watched])
    timer.start()
    assert killed(work_and_die) == -signal.SIGKILL
    timer.join()
    assert both() == {NEW}
    rename_outside(watched, "again")  # which nobody hears of
    assert both() == {NEW}
    with watching() as second:
        wait_until(lambda: both() == {"again"})
        assert second.has_told("going on")
        assert not second.has_told("everything invalidated")


def test_w5_a_second_one_waits_and_takes_over(watched: Primary) -> None:
    with watching() as first:
        second = Watching()
        try:
            second.wait_for("waiting")
            rename_outside(watched)
            wait_until(lambda: both() == {NEW})
            assert second.watcher.state.transactions == 0
            first.stop()
            wait_until(lambda: second.watcher.position)
            rename_outside(watched, "again")
            wait_until(lambda: both() == {"again"})
            assert second.has_told("going on")
        finally:
            second.stop()


def test_w5_one_that_wakes_up_after_its_turn_stores_no_position(
    watched: Primary, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("planets.cache.watching.turn.LASTS", 0.5)
    stop, invalidate = Stop(), Watcher._invalidate
    asleep: list[Watcher] = []

    def sleeps(self: Watcher, touched: Touched) -> None:
        if touched.tables and not asleep:
            asleep.append(self)
            stop()
        invalidate(self, touched)

    with watching() as first:
        assert both() == {OLD}
        monkeypatch.setattr(Watcher, "_invalidate", sleeps)
        rename_outside(watched)
        stop.wait()
        with watching() as second:  # its turn has ended
            wait_until(lambda: both() == {NEW})
            rename_outside(watched, "again")
            wait_until(lambda: both() == {"again"})
            wait_until(lambda: caught_up(second, watched))
            stop.go.set()
            first.wait_for("another has taken over")
            rename_outside(watched, "at last")
            wait_until(lambda: both() == {"at last"})


def test_w6_redis_is_flushed_in_between(watched: Primary, redis: Any) -> None:
    with watching() as found:
        assert both() == {OLD}
        redis.flushdb()
        assert both() == {OLD}
        rename_outside(watched)
        wait_until(lambda: both() == {NEW})
        wait_until(lambda: redis.exists(keys.watcher("default", "position")))
    assert not found.error


def test_w7_redis_is_away_while_it_is_written(watched: Primary, settings: Any) -> None:
    """It comes back with all that it knew, as a cut in the network leaves it."""
    with another_redis(settings) as own, watching() as found:
        assert both() == {OLD}
        own.pause()
        rename_outside(watched)
        found.wait_for("failed")
        own.resume()
        wait_until(lambda: both() == {NEW})


def test_w8_its_connection_to_the_database_is_cut(watched: Primary) -> None:
    with watching() as found:
        assert both() == {OLD}
        with watched.client() as root, root.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'watcher'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")
        rename_outside(watched)
        wait_until(lambda: both() == {NEW})
        assert found.has_told("failed")
        assert [what for what, _ in found.told].count("everything invalidated") == 1


def die_before_opening() -> None:
    """A writer whose gates could not close, and who is killed after COMMIT."""
    Touched.close = lambda self, writer: True  # type: ignore[method-assign]
    Touched.open = lambda *args: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    rename()


def test_w9_a_writer_that_dies_cut_off_from_redis(watched: Primary) -> None:
    with watching():
        assert both() == {OLD}
        connections.close_all()
        assert killed(die_before_opening) == -signal.SIGKILL
        wait_until(lambda: both() == {NEW})


def test_w9_without_a_watcher_it_is_lost(watched: Primary) -> None:
    assert both() == {OLD}
    connections.close_all()
    assert killed(die_before_opening) == -signal.SIGKILL
    assert both() == {OLD}


# --- where a watcher begins


def test_it_goes_on_from_where_it_was_after_writes_that_nobody_watched(watched: Primary) -> None:
    with watching():
        assert both() == {OLD}
    rename_outside(watched)
    assert both() == {OLD}
    with watching() as second:
        wait_until(lambda: both() == {NEW})
        assert not second.has_told("everything invalidated")


def test_a_position_that_was_purged_invalidates_everything(watched: Primary) -> None:
    with watching():
        assert both() == {OLD}
    rename_outside(watched)
    with watched.client() as root, root.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        last = cursor.fetchall()[-1][0]

        def purged() -> bool:
            """Once the server has seen that the watcher is gone."""
            cursor.execute(f"PURGE BINARY LOGS TO '{last}'")
            cursor.execute("SHOW BINARY LOGS")
            return len(cursor.fetchall()) == 1

        wait_until(purged)
    with watching() as second:
        second.wait_for("everything invalidated")
        assert both() == {NEW}
        rename_outside(watched, "again")
        wait_until(lambda: both() == {"again"})


def test_a_position_of_another_server_invalidates_everything(watched: Primary) -> None:
    with watching() as first:
        assert both() == {OLD}
    rename_outside(watched)
    turn, _ = watchers.turns.take("default")
    assert isinstance(turn, Turn)
    assert first.watcher.position
    foreign = {"mariadb": "0-9-99", "mysql": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"}
    position = first.watcher.position
    turn.tell(type(position)("another", "x.000009", 4, foreign[watched.flavor]), "{}")
    turn.end()
    with watching() as second:
        second.wait_for("everything invalidated")
        assert both() == {NEW}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_restarted_database_is_followed_again(watched: Primary) -> None:
    """(pymysql leaves a socket open where nobody listens.)"""
    with watching():
        assert both() == {OLD}
        watched.restart()
        connections.close_all()
        rename_outside(watched)
        wait_until(lambda: elsewhere(by_query) == NEW and elsewhere(by_record) == NEW)
    gc.collect()


def test_a_source_tells_what_is_visible(watched: Primary) -> None:
    source = Source("default")
    source.connect()
    assert source.wait_until_visible(source.end(), source.end().gtids, 5)
    source.close()
