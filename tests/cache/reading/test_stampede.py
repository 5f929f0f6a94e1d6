"""Many miss one key at once: one loads, the others wait for its fill."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from planets.cache import fetched, stats
from planets.cache.events import Fetch
from planets.cache.orm.rows_by_key import RowsByKey
from planets.cache.reading import path
from planets.cache.reading.lookup import Begun, Load
from planets.cache.storage import keys
from tests.cache.zoo.models import Star
from tests.cache.zoo.records import star, stars

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

PATIENCE = 60  # seconds that a test waits for a state before it fails


def read_list() -> Any:
    return len(Star.objects.cached().order_by("id"))


def read_record() -> Any:
    return star(3)


def stampede(
    read: Callable[[], Any], threads: int, waiting: Any, everyone: int, barrier: Any
) -> Counter[str]:
    """Read in many threads at once; the one that loads does so when all others wait for it."""
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()
    waits: set[int] = set()
    load_missing, count = path.load_missing, stats.count

    def held_load(load: Load, begun: Begun) -> Any:
        give_up = time.monotonic() + PATIENCE
        while waiting.value < everyone - 1 and time.monotonic() < give_up:
            time.sleep(0.005)
        return load_missing(load, begun)

    def counted(kind: str, outcome: str, by: int = 1, tables: tuple[str, ...] = ()) -> None:
        if (kind, outcome) == ("lease", "waited") and threading.get_ident() not in waits:
            waits.add(threading.get_ident())
            with waiting.get_lock():
                waiting.value += 1
        count(kind, outcome, by, tables)

    def hear(event: Fetch, **kwargs: object) -> None:
        with lock:
            outcomes[event.outcome] += 1

    def run() -> None:
        barrier.wait(PATIENCE)
        assert read()
        connections.close_all()

    patch = pytest.MonkeyPatch()
    patch.setattr(path, "load_missing", held_load)
    patch.setattr(stats, "count", counted)
    fetched.connect(hear)
    try:
        running = [threading.Thread(target=run) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(2 * PATIENCE)
    finally:
        patch.undo()
        fetched.disconnect(hear)
    return outcomes


def child(read: str, threads: int, waiting: Any, everyone: int, barrier: Any, results: Any) -> None:
    results.put(stampede(globals()[read], threads, waiting, everyone, barrier))


@pytest.fixture
def patient(settings: Any) -> None:
    settings.CACHE_ASIDE = {"LEASE": PATIENCE, "LEASE_WAIT": PATIENCE}


@pytest.mark.parametrize("read", [read_list, read_record])
def test_of_64_threads_one_loads(redis: Any, patient: None, read: Callable[[], Any]) -> None:
    waiting = multiprocessing.get_context("fork").Value("i", 0)
    outcomes = stampede(read, 64, waiting, 64, threading.Barrier(64))
    assert outcomes == {"miss": 1, "hit": 63}


@pytest.mark.mysql
@pytest.mark.parametrize("read", ["read_list", "read_record"])
def test_of_4_processes_with_16_threads_each_one_loads(
    redis: Any, patient: None, read: str
) -> None:
    connections.close_all()
    context = multiprocessing.get_context("fork")
    waiting, barrier, results = context.Value("i", 0), context.Barrier(64), context.Queue()
    children = [
        context.Process(target=child, args=(read, 16, waiting, 64, barrier, results))
        for _ in range(4)
    ]
    for process in children:
        process.start()
    total: Counter[str] = Counter()
    for _ in children:
        total += results.get(timeout=2 * PATIENCE)
    for process in children:
        process.join(PATIENCE)
    assert total == {"miss": 1, "hit": 63}


def test_a_dead_holder_delays_nobody_beyond_its_lease(
    redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"LEASE": 0.2, "LEASE_WAIT": PATIENCE}
    redis.set(keys.lease("star:3"), "l:dead", px=200)
    started = time.monotonic()
    assert star(3)
    assert time.monotonic() - started < PATIENCE / 2
    assert events[-1].reason == ""
    assert redis.exists("star:3")


def test_a_waiter_gives_up_and_loads_without_filling(
    redis: Any, settings: Any, events: list[Fetch]
) -> None:
    settings.CACHE_ASIDE = {"LEASE": PATIENCE, "LEASE_WAIT": 0.05}
    redis.set(keys.lease("star:3"), "l:slow", px=PATIENCE * 1000)
    assert star(3)
    assert events[-1].reason == "another caller was loading it for too long"
    assert not redis.exists("star:3")


def test_a_failing_load_gives_its_lease_back(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(RowsByKey, "load", fail)
        with pytest.raises(RuntimeError):
            star(3)
    assert redis.keys("lease:*") == []
    assert star(3)


def test_of_a_batch_only_what_is_free_is_filled(redis: Any, events: list[Fetch]) -> None:
    redis.set(keys.lease("star:3"), "l:another", px=PATIENCE * 1000)
    assert len(stars([2, 3, 4])) == 3
    assert sorted(redis.keys("star:*")) == ["star:2", "star:4"]
