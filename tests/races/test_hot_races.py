"""The races of docs/freshness.md for hot columns, each forced; `naive` runs must lose them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from planets.cache import remember
from planets.cache.writing import hot
from planets.cache.writing.stale import Touched
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star
from tests.support.interleave import (
    committed,
    elsewhere,
    killed,
    loaded,
    without_closing,
    without_generations,
)
from tests.support.sql import sql

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]

Patch = pytest.MonkeyPatch
Read = Callable[[], Any]
OLD, NEW = 9.8, 200.0


@pytest.fixture(autouse=True)
def hot_gravity(settings: Any) -> Iterator[None]:
    settings.CACHE_ASIDE = {"HOT": {"star": ["gravity"]}}
    hot.forget()
    yield
    hot.forget()


def by_query() -> Any:
    return Star.objects.cached().get(pk=3).gravity


def by_record() -> Any:
    return getattr(star(3), "gravity", None)


def by_value() -> Any:
    return remember("hot", lambda: Star.objects.get(pk=3).gravity)


def of_value() -> Any:
    return remember("hot, by a query", by_query)


READS = pytest.mark.parametrize("read", [by_query, by_record, by_value, of_value])
both = pytest.mark.parametrize("naive", [False, True], ids=["protected", "naive"])


def write() -> None:
    sql("UPDATE star SET gravity = %s WHERE id = 3", NEW)


def in_bulk() -> None:
    Star.objects.filter(kind="giant").update(gravity=NEW)


WRITES = pytest.mark.parametrize("write", [write, in_bulk])


@READS
@WRITES
def test_a_write_between_load_and_fill(read: Read, write: Callable[[], None]) -> None:
    with loaded(read):
        write()
    assert read() == NEW


@WRITES
def test_the_generation_is_what_holds(write: Callable[[], None], monkeypatch: Patch) -> None:
    without_generations(monkeypatch)
    with loaded(by_query):
        write()
    assert by_query() == OLD


@both
@READS
def test_a_read_between_commit_and_open(naive: bool, read: Read, monkeypatch: Patch) -> None:
    if naive:
        without_closing(monkeypatch)
    assert read() == OLD
    with committed(write):
        assert read() == (OLD if naive else NEW)
    assert read() == NEW


@both
@READS
def test_a_kill_between_commit_and_open(naive: bool, read: Read, monkeypatch: Patch) -> None:
    if naive:
        without_closing(monkeypatch)
    assert read() == read() == OLD

    def die(self: Touched, writer: str, sql: str = "") -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Touched, "open", die)
        assert killed(write) == -signal.SIGKILL
    assert read() == (OLD if naive else NEW)


@READS
def test_what_is_not_committed_is_seen_by_its_writer_alone(read: Read) -> None:
    assert read() == OLD
    with transaction.atomic():
        write()
        assert read() == NEW
        assert elsewhere(read) == OLD
        transaction.set_rollback(True)
    assert read() == OLD


@READS
def test_a_hot_write_and_another_in_one_transaction(read: Read) -> None:
    names = Star.objects.cached().values_list("name", flat=True)
    assert read() == OLD
    assert "Electra" in names.all()
    with transaction.atomic():
        write()
        Star.objects.filter(pk=3).update(name="Taygeta")
    assert read() == NEW
    assert "Taygeta" in names.all()


@READS
def test_a_flush_between_gate_read_and_fill(read: Read, redis: Any) -> None:
    with loaded(read):
        redis.flushdb()
        write()
    assert read() == NEW


def test_two_writers_and_a_filler() -> None:
    """One of the hot column, one of all: whichever opens last, nobody fills behind the other."""
    with committed(write):
        assert by_query() == NEW
        elsewhere(lambda: Star.objects.filter(pk=3).update(gravity=NEW + 1, name="Taygeta"))
        assert by_query() == NEW + 1
    assert by_query() == NEW + 1


@both
def test_a_read_that_names_the_column_in_a_way_of_its_own(naive: bool, monkeypatch: Patch) -> None:
    if naive:
        monkeypatch.setattr(hot, "may_read", lambda vendor, sql, columns: False)
    assert by_query() == OLD
    write()
    assert by_query() == (OLD if naive else NEW)
