"""Times reads in each state of the cache, and counts what each asks of database and Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

from django.db import connection, connections

from .. import fetched
from ..events import Fetch
from ..reads import Read
from .space import Space
from .states import STATES, State

WARM_UP = 3  # calls; the first compile SQL, connect, open the breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One read in one state. Times are milliseconds of one call, in one thread."""

    read: str
    state: str
    rounds: int
    median: float
    p95: float
    p99: float
    queries: int  # to the database, a call
    commands: int  # to Redis, a call
    bytes: int  # of Redis' replies, a call
    outcomes: dict[str, int]  # of the fetches of one call
    reason: str  # why nothing was kept, or no cache was asked
    throughput: dict[int, float] = field(default_factory=dict)  # threads: calls a second

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure: at most `rounds` calls and about `seconds` for each read and state."""

    rounds: int = 200
    seconds: float = 3.0
    threads: Sequence[int] = (1, 2, 4)
    burst: float = 0.5  # seconds of each throughput measurement


def steps(reads: Sequence[Read]) -> int:
    """How many results `measure` yields."""
    return len(reads) * len(STATES)


def measure(reads: Sequence[Read], effort: Effort, space: Space) -> Iterator[Result]:
    """Each read in each state.

    The states of one read follow each other, so that a change in the machine's load falls on all of
    them; Redis goes away once, at the end, because its return takes a moment.
    """
    *present, away = STATES
    for read in reads:
        for state in present:
            with state.enter():
                yield _measure(read, state, effort, space)
    with away.enter():
        for read in reads:
            yield _measure(read, away, effort, space)


def _measure(read: Read, state: State, effort: Effort, space: Space) -> Result:
    def call() -> float:
        if state.empties:
            space.empty()
        started = time.perf_counter()
        read.run()
        return time.perf_counter() - started

    for _ in range(WARM_UP):
        call()
    counted = _count(read, state, space)
    times: list[float] = []
    give_up = time.monotonic() + effort.seconds
    while len(times) < effort.rounds and (len(times) < 2 or time.monotonic() < give_up):
        times.append(call() * 1000)
    cuts = quantiles(times, n=100, method="inclusive")
    # Threads that empty the cache for each other would measure how they wait, not a miss.
    threads = () if state.empties else effort.threads
    return Result(
        read=read.name,
        state=state.name,
        rounds=len(times),
        median=median(times),
        p95=cuts[94],
        p99=cuts[98],
        throughput={n: _throughput(read, state, n, effort.burst) for n in threads},
        **counted,
    )


def _count(read: Read, state: State, space: Space) -> dict[str, Any]:
    """What one call asks for; not timed, because counting costs."""
    queries, heard = 0, list[Fetch]()

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*args)

    def hear(event: Fetch, **kwargs: Any) -> None:
        heard.append(event)

    if state.empties:
        space.empty()
    commands, size = space.commands, space.bytes
    fetched.connect(hear)
    try:
        with connection.execute_wrapper(count):
            read.run()
    finally:
        fetched.disconnect(hear)
    outcomes: dict[str, int] = {}
    for event in heard:
        outcomes[event.outcome] = outcomes.get(event.outcome, 0) + 1
    return {
        "queries": queries,
        "commands": space.commands - commands,
        "bytes": space.bytes - size,
        "outcomes": outcomes,
        "reason": next((event.reason for event in heard if event.reason), ""),
    }


def _throughput(read: Read, state: State, threads: int, seconds: float) -> float:
    """Calls a second of so many threads at once, each with a database connection of its own."""
    start, stop = threading.Barrier(threads + 1), threading.Event()
    calls, failures = [0] * threads, list[BaseException]()
    ended = [0.0] * threads

    def work(number: int) -> None:
        try:
            start.wait()
            give_up = time.monotonic() + seconds
            while time.monotonic() < give_up and not stop.is_set():
                read.run()
                calls[number] += 1
        except BaseException as error:
            failures.append(error)
        finally:
            ended[number] = time.monotonic()
            connections.close_all()

    # With this thread's context, in which the cache may be disabled.
    workers = [
        threading.Thread(target=copy_context().run, args=(work, number), daemon=True)
        for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    try:
        start.wait()
        began = time.monotonic()
        for worker in workers:
            worker.join()
    finally:  # Ctrl-C: none may go on filling the space that is being removed
        stop.set()
        for worker in workers:
            worker.join()
    if failures:
        raise failures[0]
    return sum(calls) / (max(ended) - began)
