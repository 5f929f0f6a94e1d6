"""Experiments on real private servers, and what is advised from them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from planets.cache.lab import private_server as server
from planets.cache.lab.private_server import NoServer, private_server
from planets.cache.lab.recommendation import recommend
from planets.cache.lab.replay import Outcome, Setup, Stopped, replay
from planets.cache.lab.sweep import Cell, base_memory, check, sweep
from planets.cache.lab.workload import Event, NoWorkload, Workload

pytestmark = pytest.mark.once

AMPLE = Setup(maxmemory=0, policy="noeviction", ttl=1000)


def workload(*events: tuple[float, str], writes: Sequence[float] = ()) -> Workload:
    made = [Event(at, key, False, 1000) for at, key in events]
    made += [Event(at, "a", True, 1000) for at in writes]
    return Workload("made up", sorted(made, key=lambda event: event.at))


def run(work: Workload, setup: Setup, speed: float = 1000) -> Outcome:
    return replay(work, setup, speed, 1, threading.Event())


def test_only_the_first_read_of_a_key_loads() -> None:
    outcome = run(workload((0, "b"), (2, "b"), (60, "b"), (80, "b"), (100, "a")), AMPLE)

    assert outcome.hit_ratio == pytest.approx(2 / 3)  # of the second half: b, b, and a is new
    assert (outcome.loads, outcome.evicted, outcome.refused) == (1 / 50, 0, 0)


def test_a_write_makes_the_next_read_a_load() -> None:
    reads = workload((0, "a"), (60, "a"), (100, "a"), writes=[80])

    assert run(reads, AMPLE).hit_ratio == 0.5


def test_an_entry_expires_by_its_ttl_in_the_workloads_time() -> None:
    # 100 s pass between the reads, of 0.1 s each on the clock; the TTL is 10 s.
    outcome = run(
        workload((0, "a"), (100, "a"), (200, "a")), Setup(maxmemory=0, policy="noeviction", ttl=10)
    )

    assert outcome.hit_ratio == 0


def test_a_full_server_evicts_or_refuses_by_its_policy() -> None:
    many = workload(*((n / 100, f"key:{n}") for n in range(1000)))
    full = base_memory() + 100_000
    evicts = run(many, Setup(maxmemory=full, policy="volatile-ttl", ttl=1000))
    refuses = run(many, Setup(maxmemory=full, policy="noeviction", ttl=1000))

    assert evicts.evicted
    assert not evicts.refused
    assert refuses.refused
    assert not refuses.evicted


def test_less_memory_than_redis_itself_takes_is_refused() -> None:
    with pytest.raises(NoWorkload, match="holds no entry: an empty Redis takes"):
        check([100_000], base_memory())


def test_a_server_goes_with_its_directory_when_it_is_left_by_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), private_server(0, "noeviction") as client:  # noqa: PT012
        pid = client.info("server")["process_id"]
        directory = Path(str(client.config_get("dir")["dir"]))
        assert directory.exists()
        raise ZeroDivisionError

    assert not directory.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_run_that_is_told_to_stop_does_not_wait_for_its_end() -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped):
        replay(workload((0, "a"), (10_000, "a")), AMPLE, 1, 1, stop)


def test_a_sweep_that_is_left_early_cancels_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(runs: object) -> None:
        raise KeyboardInterrupt  # as Ctrl-C does while it waits

    monkeypatch.setattr("planets.cache.lab.sweep.as_completed", interrupted)
    hours = workload((0, "a"), (10_000, "a"))

    with pytest.raises(KeyboardInterrupt):
        next(sweep(hours, [AMPLE], repeats=1, speed=1, parallel=1))


def test_without_a_server_to_start_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(NoServer, match="install one"):
        server.binary()


def cell(memory: int, policy: str, ttl: float, *ratios: float) -> Cell:
    setup = Setup(maxmemory=memory, policy=policy, ttl=ttl)
    return Cell(
        setup,
        tuple(
            Outcome(
                setup=setup, hit_ratio=ratio, loads=1, evicted=0, expired=0, refused=0,
                memory=memory, speed=1,
            )
            for ratio in ratios
        ),
    )  # fmt: skip


def test_advice_takes_the_least_memory_and_shortest_ttl_that_equal_the_best() -> None:
    advice = recommend(
        [
            cell(8_000_000, "volatile-lru", 60, 0.80, 0.80),
            cell(8_000_000, "volatile-lfu", 60, 0.960, 0.962),
            cell(8_000_000, "volatile-lfu", 600, 0.962, 0.963),
            cell(16_000_000, "volatile-lfu", 60, 0.963, 0.963),
        ]
    )

    assert advice.sentence.startswith("volatile-lfu, 8 MB, ttl 60 s: 96.1% hits")
    assert advice.more == "2.0 times the memory changes that by +0.2 points."
    assert advice.lines == "maxmemory 8000000\nmaxmemory-policy volatile-lfu"


def test_advice_counts_what_repeats_differ_by_as_no_difference() -> None:
    advice = recommend(
        [
            cell(8_000_000, "volatile-lru", 60, 0.90, 0.96),
            cell(16_000_000, "volatile-lru", 60, 0.97, 0.97),
        ]
    )

    assert advice.best.setup.maxmemory == 8_000_000
    assert "differed by up to 6.00 points" in advice.sure
