"""The races that a cache can lose, each forced, each shown to be lost without its protection.

`naive` runs switch one protection off and must see the stale value: the test can fail.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal

from planets.cache.events import Fetch
from planets.cache.invalidation import invalidate
from planets.cache.reading.record_format import RecordShelf
from planets.cache.storage import gates, keys
from planets.cache.storage import leases as lease
from planets.cache.storage.client import Client, Unavailable, client
from planets.cache.writing.hooks import transaction_of
from planets.cache.writing.stale import Touched
from planets.cache.writing.transaction import Transaction
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Bird, Star
from tests.cache.zoo.records import star
from tests.support.interleave import (
    committed,
    elsewhere,
    killed,
    loaded,
    stopped,
    without_closing,
    without_generations,
    without_lease_check,
    without_opening,
    without_recall,
)
from tests.support.outage import another_redis
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis", "audited"),
]

Patch = pytest.MonkeyPatch
both = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])


def rename_in_bulk(name: str = NEW) -> None:
    Star.objects.filter(position=3).update(name=name)


def name_in_the_database() -> str:
    return Star.objects.get(pk=3).name


def expected(naive: bool) -> str:
    return OLD if naive else NEW


READS = pytest.mark.parametrize("read", [by_query, by_record])


# --- R1


@both
def test_r1_a_write_between_load_and_fill_of_a_query(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        without_generations(monkeypatch)
    with loaded(by_query):
        rename()
    assert by_query() == expected(naive)


@both
def test_r1_a_write_between_load_and_fill_of_a_record(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        without_lease_check(monkeypatch)
    with loaded(by_record):
        rename()
    assert by_record() == expected(naive)


@both
def test_r1_a_bulk_write_between_load_and_fill_of_a_record(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        without_generations(monkeypatch)
    with loaded(by_record):
        rename_in_bulk()
    assert by_record() == expected(naive)


# --- R2, R3


@both
@READS
def test_r2_a_read_between_close_and_commit_is_not_kept(
    naive: bool, read: Callable[[], str], monkeypatch: Patch
) -> None:
    if naive:
        without_opening(monkeypatch)
        without_lease_check(monkeypatch)
    with transaction.atomic():
        rename()
        assert elsewhere(read) == OLD  # not committed yet, so this is right
    assert read() == expected(naive)


@both
@READS
def test_r3_a_read_between_commit_and_open_sees_what_was_committed(
    naive: bool, read: Callable[[], str], monkeypatch: Patch
) -> None:
    if naive:
        without_closing(monkeypatch)
    read()
    with committed(rename):
        assert name_in_the_database() == NEW
        assert read() == expected(naive)
    assert read() == NEW


# --- R4


def at_repeatable_read(function: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        own = connections["default"]
        options = {**own.settings_dict["OPTIONS"], "isolation_level": "repeatable read"}
        own.settings_dict = {**own.settings_dict, "OPTIONS": options}
        return function()

    return run


@both
@READS
def test_r4_an_old_snapshot_is_not_kept(
    naive: bool, read: Callable[[], str], monkeypatch: Patch
) -> None:
    if naive:
        monkeypatch.setattr(Transaction, "forbids", lambda self, gates, records: "")

    def read_from_the_past() -> str:
        with transaction.atomic():
            list(Star.objects.all())  # the snapshot begins
            elsewhere(rename)
            return read()

    assert elsewhere(at_repeatable_read(read_from_the_past)) == OLD
    assert read() == expected(naive)


def test_r4_between_transactions_any_isolation_may_fill(redis: Any, events: list[Fetch]) -> None:
    elsewhere(at_repeatable_read(by_query))
    assert by_query() == OLD
    assert [event.outcome for event in events] == ["miss", "hit"]


# --- R5


@pytest.fixture
def tokens(naive: bool, monkeypatch: Patch) -> None:
    """Where it is naive, the same token again and again, as of a counter that was rewound."""
    if naive:
        monkeypatch.setattr(gates, "token", lambda: "0123456789abcdef")


@both
def test_r5_two_writers_and_a_filler_of_a_query(naive: bool, tokens: None) -> None:
    with loaded(by_query):
        rename("between")
        rename(NEW)
        Star.objects.cached().count()  # opens the generation that the filler must not hit
    assert by_query() == expected(naive)


@both
def test_r5_two_writers_and_a_filler_of_a_record(naive: bool, tokens: None, settings: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE_WAIT": 0.01}
    with loaded(by_record):
        rename("between")
        rename(NEW)
        client.call(lease.claim("star:3", gates.token()))  # another caller is about to load
    assert by_record() == expected(naive)


# --- R6


@both
def test_r6_a_flush_between_gate_read_and_fill(naive: bool, redis: Any, monkeypatch: Patch) -> None:
    if naive:
        without_generations(monkeypatch)
        without_lease_check(monkeypatch)
    with loaded(by_query):
        redis.flushdb()
        rename()
    assert by_query() == expected(naive)


@both
@READS
def test_r6_a_flush_while_a_write_is_in_flight(
    naive: bool, read: Callable[[], str], redis: Any, monkeypatch: Patch
) -> None:
    if naive:
        monkeypatch.setattr(Touched, "open", lambda self, writer, sql="": None)
    close = Touched.close

    def close_and_lose(self: Touched, writer: str) -> bool:
        closed = close(self, writer)
        redis.flushdb()  # the closed gates are lost
        assert elsewhere(read) == OLD  # opens a generation and fills it with the old row
        return closed

    with monkeypatch.context() as patch, transaction.atomic():
        patch.setattr(Touched, "close", close_and_lose)
        rename()
        transaction.on_commit(patch.undo)
    assert read() == expected(naive)


# --- R7, R11


@pytest.fixture
def durable(settings: Any) -> Any:
    """A Redis that comes back with what it had when it was last saved."""
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05, "TTL": 2, "JITTER": 0}
    with another_redis(settings, dbfilename="dump.rdb") as server:
        yield server


def save(server: Redis) -> None:
    with server.client() as direct:
        direct.save()


@both
@READS
def test_r7_redis_away_during_the_invalidation_and_back_with_its_old_data(
    naive: bool, read: Callable[[], str], durable: Redis, monkeypatch: Patch
) -> None:
    if naive:

        def try_once(self: Client, commands: Any) -> bool:
            try:
                self.call(*commands)
            except Unavailable:
                return False
            return True

        monkeypatch.setattr(Client, "insist", try_once)
        without_recall(monkeypatch)
    assert read() == OLD
    save(durable)
    durable.stop(signal.SIGKILL)
    rename()
    if not naive:
        assert read() == NEW
    durable.start()
    wait_until(lambda: not client.away)
    assert client.debt == 0
    assert read() == expected(naive)


@both
@READS
def test_r11_a_failover_that_loses_the_last_invalidation_is_noticed(
    naive: bool, read: Callable[[], str], durable: Redis, monkeypatch: Patch
) -> None:
    if naive:
        without_recall(monkeypatch)
    assert read() == OLD
    save(durable)
    rename()
    # The invalidation has landed, so nobody owes it; the server that comes back has not seen it.
    durable.restart(signal.SIGKILL)
    wait_until(lambda: not client.away)
    assert read() == expected(naive)
    wait_until(lambda: read() == NEW)  # where nobody notices, the TTL is the bound


def test_r11_a_server_is_asked_who_it_is_once_a_connection(
    durable: Redis, events: list[Fetch]
) -> None:
    assert by_query() == OLD
    client.redis().connection_pool.disconnect()
    assert by_query() == OLD
    assert [event.outcome for event in events] == ["miss", "hit"]


# --- R8


@both
def test_r8_a_refused_begin_leaves_nothing_behind(naive: bool, monkeypatch: Patch) -> None:
    def write_after_a_refused_begin() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            (number,) = cursor.fetchone()
        elsewhere(lambda: kill_connection(number))
        with pytest.raises(DatabaseError), transaction.atomic():
            pass
        connection.close()
        if naive:  # a stack of transactions of our own, which the failure left one too high
            monkeypatch.setattr(Transaction, "in_progress", True)
            without_closing(monkeypatch)
        rename()
        assert name_in_the_database() == NEW
        return str(elsewhere(by_query))

    by_query()
    assert elsewhere(write_after_a_refused_begin) == expected(naive)


def kill_connection(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"KILL {number}")


# --- R9


@both
def test_r9_a_holder_that_outlived_its_lease_cannot_store(
    naive: bool, redis: Any, settings: Any, monkeypatch: Patch
) -> None:
    settings.CACHE_ASIDE = {"LEASE": 0.05}
    if naive:
        without_lease_check(monkeypatch)
    with loaded(by_record):
        wait_until(lambda: not redis.exists(keys.lease("star:3")))
        rename()
        assert by_record() == NEW
    assert by_record() == expected(naive)


# --- R10


@both
def test_r10_an_absence_and_a_creation_at_once(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        monkeypatch.setattr(RecordShelf, "of_absence", RecordShelf.of_value)
    with loaded(lambda: star(9)):
        Star.objects.create(id=9, name="Polaris")
    assert (star(9) is None) == naive


# --- R12


@both
def test_r12_a_savepoint_is_rolled_back_and_the_rest_commits(
    naive: bool, events: list[Fetch], monkeypatch: Patch
) -> None:
    touch, open_gates = Transaction.touch, Transaction.open_gates
    if naive:  # an on_commit hook goes with the savepoint that it was registered in

        def touch_and_hook(self: Transaction, touched: Touched, sql: str = "") -> None:
            touch(self, touched, sql)
            transaction.on_commit(lambda: open_gates(self))

        monkeypatch.setattr(Transaction, "touch", touch_and_hook)
        monkeypatch.setattr(Transaction, "open_gates", lambda self: None)
    with transaction.atomic():
        with transaction.atomic():
            rename("never")
            transaction.set_rollback(True)
        assert by_query() == OLD
    events.clear()
    elsewhere(by_query)
    elsewhere(by_query)
    assert [event.outcome for event in events] == (["miss", "miss"] if naive else ["miss", "hit"])
    assert by_query() == OLD
    state = transaction_of(connection)
    assert state
    open_gates(state)


# --- R13


@both
def test_r13_a_save_that_fails_after_its_statement(naive: bool, monkeypatch: Patch) -> None:
    if naive:  # invalidation by post_save alone
        naive_write = lambda self, touched, write, *args, **kwargs: write()  # noqa: E731
        monkeypatch.setattr(Transaction, "write", naive_write)
    by_record()
    electra = Star.objects.get(pk=3)
    electra.name = NEW

    def fail(self: Signal, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a receiver that comes before ours")

    with monkeypatch.context() as patch:
        patch.setattr(post_save, "send", fail.__get__(post_save))
        with pytest.raises(RuntimeError):
            electra.save()
    assert name_in_the_database() == NEW
    assert by_record() == expected(naive)


def test_r13_a_save_of_two_tables_that_fails_in_the_second() -> None:
    Bird.objects.create(name="Owl", wingspan=1)
    (owl,) = Bird.objects.cached()
    owl.name, owl.wingspan = "Eagle", "not a number"
    with pytest.raises(ValueError, match="wingspan"):
        owl.save()
    assert [bird.name for bird in Bird.objects.cached()] == ["Owl"]


# --- R14, R15


def die_at_open() -> None:
    """From here on this process is killed where its gates would open."""

    def die(self: Touched, writer: str, sql: str = "") -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Touched, "open", die)  # noqa: B010  mypy has no word for it


def die_after_commit() -> None:
    """In a child process: COMMIT, and then kill -9."""
    die_at_open()
    rename()


@both
@READS
def test_r15_a_kill_between_commit_and_open(
    naive: bool, read: Callable[[], str], monkeypatch: Patch
) -> None:
    if naive:
        without_closing(monkeypatch)
    read()
    assert killed(die_after_commit) == -signal.SIGKILL
    assert name_in_the_database() == NEW
    assert read() == expected(naive)


def test_r15_what_the_dead_left_closed_opens_at_its_deadline(
    redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"WRITE_DEADLINE": 1}
    by_query()
    killed(die_after_commit)
    assert by_query() == NEW
    assert events[-1].reason == "a write to its tables is in flight"
    wait_until(lambda: not redis.exists(keys.gate("default", "star")))
    by_query()
    by_query()
    assert events[-1].outcome == "hit"


@both
@pytest.mark.parametrize("minutes", [-5, 5])
def test_r14_clocks_of_two_clients_ten_minutes_apart(
    naive: bool, minutes: int, redis: Any, monkeypatch: Patch
) -> None:
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 60 * minutes)
    if naive:  # the writer's clock says until when the gate is closed

        def close_by_my_clock(self: Touched, writer: str) -> bool:
            for gate in self.gates:
                redis.set(gate, f"w:{writer}@0", pxat=round(1000 * (clock() - 300 + 30)))
            return True

        monkeypatch.setattr(Touched, "close", close_by_my_clock)

    close = Touched.close

    def close_and_be_read(self: Touched, writer: str) -> bool:
        closed = close(self, writer)
        elsewhere(by_query)  # a reader before COMMIT
        return closed

    def die() -> None:
        setattr(Touched, "close", close_and_be_read)  # noqa: B010  mypy has no word for it
        die_at_open()
        with transaction.atomic():
            rename()

    by_query()
    assert killed(die) == -signal.SIGKILL
    assert name_in_the_database() == NEW
    assert by_query() == expected(naive)


# --- and some that have no number


def test_a_user_hook_on_commit_sees_the_new_state() -> None:
    by_query()
    by_record()
    seen: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.extend([by_query(), by_record()]))
        rename()
    assert seen == [NEW, NEW]


def test_two_writers_at_once_keep_the_gate_closed_until_the_last_one_ends() -> None:
    by_query()
    with stopped(
        Transaction, "open_gates", lambda: Star.objects.filter(pk=4).update(mass=1), after=False
    ):
        rename()
        client_gate = client.call(("GET", keys.gate("default", "star")))[0]
        assert client_gate.startswith(b"w:")
        assert by_query() == NEW
    assert client.call(("GET", keys.gate("default", "star"))) == [None]


def test_a_write_longer_than_its_deadline_closes_again_before_commit(
    redis: Any, settings: Any, monkeypatch: Patch
) -> None:
    settings.CACHE_ASIDE = {"WRITE_DEADLINE": 1}

    def die() -> None:
        with transaction.atomic():
            invalidate(Star)  # holds from now
            rename()
            wait_until(lambda: not redis.exists(keys.gate("default", "star")))
            elsewhere(by_query)  # opens a generation, and fills it with the old row
            die_at_open()

    by_query()
    assert killed(die) == -signal.SIGKILL
    assert by_query() == NEW
