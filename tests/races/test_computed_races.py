"""The races of docs/freshness.md for what is computed, each forced; `naive` runs must lose them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from planets.cache import remember
from planets.cache.reading import proof
from planets.cache.reading.computed_shelf import ComputedShelf
from planets.cache.reading.dependencies import Dependencies, Tracker
from planets.cache.storage import gates
from planets.cache.storage.client import client
from planets.cache.writing.stale import Touched
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Star
from tests.support.interleave import (
    Elsewhere,
    Stop,
    committed,
    elsewhere,
    killed,
    loaded,
    without_closing,
    without_recall,
)
from tests.support.outage import another_redis
from tests.support.servers import Redis
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]

Patch = pytest.MonkeyPatch
both = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])


def plainly() -> str:
    return Star.objects.get(pk=3).name


def nested() -> str:
    return str(remember("inner", plainly))


READS = pytest.mark.parametrize("read", [by_query, by_record, plainly, nested])
Read = Callable[[], str]


def value_of(read: Read) -> str:
    return str(remember(f"race {read.__name__}", read))


def expected(naive: bool) -> str:
    return OLD if naive else NEW


def without_proof(patch: Patch) -> None:
    """An entry is current whatever its dependencies were."""
    patch.setattr(proof.Standing, "proves", lambda self, needed: True)
    patch.setattr(ComputedShelf, "refuse", lambda self, lookup, seen, value: "")


def asked_after(patch: Patch) -> None:
    """The generations are asked after a computation, and not before its reads."""

    def late(self: Tracker) -> Any:
        found = Dependencies(self.gates, self.records)
        replies = client.call(("MGET", *found.gates)) if found.gates else [[]]
        tokens = map(gates.generation, replies[0])
        return found._replace(gates={g: t or "" for g, t in zip(found.gates, tokens, strict=True)})

    patch.setattr(Tracker, "found", late)


@both
@READS
def test_a_write_between_load_and_fill(naive: bool, read: Read, monkeypatch: Patch) -> None:
    if naive:
        without_proof(monkeypatch)
    stop = Stop()

    def compute() -> str:
        name = read()
        stop()
        return name

    reader = Elsewhere(lambda: remember("page", compute))
    stop.wait()
    rename()
    stop.go.set()
    assert reader.join() == OLD
    assert remember("page", plainly) == expected(naive)


@both
def test_generations_are_asked_before_the_read(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        asked_after(monkeypatch)

    def compute() -> str:
        name = plainly()
        elsewhere(rename)
        elsewhere(by_query)  # opens the generation that a late question would find
        return name

    assert remember("early", compute) == OLD
    assert remember("early", plainly) == expected(naive)


@both
def test_a_write_between_two_reads(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        without_proof(monkeypatch)

    def compute() -> list[str]:
        first = plainly()
        elsewhere(rename)
        return [first, by_query(), by_record()]

    assert remember("two reads", compute) == [OLD, NEW, NEW]
    again = remember("two reads", lambda: [plainly()] * 3)
    assert again == ([OLD, NEW, NEW] if naive else [NEW] * 3)


@READS
def test_a_write_while_an_inner_one_is_filled(read: Read) -> None:
    with loaded(lambda: remember("outer", lambda: value_of(read))):
        rename()
    assert remember("outer", lambda: value_of(read)) == NEW


@both
@READS
def test_a_read_between_commit_and_open(naive: bool, read: Read, monkeypatch: Patch) -> None:
    if naive:
        without_closing(monkeypatch)
    value_of(read)
    with committed(rename):
        assert value_of(read) == expected(naive)
    assert value_of(read) == NEW


@READS
def test_what_is_not_committed_is_seen_by_its_writer_alone(read: Read) -> None:
    assert value_of(read) == OLD
    with transaction.atomic():
        rename()
        assert value_of(read) == NEW
        assert elsewhere(lambda: value_of(read)) == OLD
        transaction.set_rollback(True)
    assert value_of(read) == OLD
    assert elsewhere(lambda: value_of(read)) == OLD


@READS
def test_a_savepoint_that_is_rolled_back(read: Read) -> None:
    value_of(read)
    with transaction.atomic():
        with transaction.atomic():
            rename("never")
            value_of(read)
            transaction.set_rollback(True)
        rename()
    assert value_of(read) == NEW


@both
@READS
def test_a_kill_between_commit_and_open(naive: bool, read: Read, monkeypatch: Patch) -> None:
    if naive:
        without_closing(monkeypatch)
    # Twice: a process may remember that the one before was refused.
    assert value_of(read) == value_of(read) == OLD

    def die(self: Touched, writer: str, sql: str = "") -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Touched, "open", die)
        assert killed(rename) == -signal.SIGKILL
    assert value_of(read) == expected(naive)


@READS
def test_a_flush_while_it_is_computed(read: Read, redis: Any) -> None:
    def compute() -> str:
        name = read()
        redis.flushdb()
        elsewhere(rename)
        return name

    assert remember("flushed", compute) == OLD
    assert remember("flushed", plainly) == NEW


@both
@READS
def test_a_redis_that_comes_back_with_its_old_data(
    naive: bool, read: Read, settings: Any, monkeypatch: Patch
) -> None:
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    if naive:
        without_recall(monkeypatch)
    with another_redis(settings, dbfilename="dump.rdb") as server:
        assert value_of(read) == OLD
        restore(server)
        assert value_of(read) == expected(naive)


def restore(server: Redis) -> None:
    with server.client() as direct:
        direct.save()
    rename()
    server.restart(signal.SIGKILL)
    wait_until(lambda: not client.away)


def test_a_browser_is_not_told_that_nothing_has_changed(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    browser = Client()
    etag = browser.get("/one/3/").headers["ETag"]
    assert browser.get("/one/3/", HTTP_IF_NONE_MATCH=etag).status_code == 304
    with committed(rename):
        assert browser.get("/one/3/", HTTP_IF_NONE_MATCH=etag).status_code == 200
    assert browser.get("/one/3/", HTTP_IF_NONE_MATCH=etag).content == NEW.encode()
