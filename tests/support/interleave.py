"""Forcing the order of events between threads, processes and the cache. No sleep, no luck."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from planets.cache.reading import path, replicas
from planets.cache.reading.record_format import RecordShelf
from planets.cache.reading.row_format import RowShelf
from planets.cache.storage import scripts
from planets.cache.storage.client import Client
from planets.cache.writing.stale import Touched
from planets.cache.writing.transaction import Transaction

from .waiting import PATIENCE


class Elsewhere:
    """A function running in a thread with database connections of its own."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self.function()
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()

    def join(self) -> Any:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "it hangs"
        if self.error:
            raise self.error
        return self.result


def elsewhere(function: Callable[[], Any]) -> Any:
    """What the function gives in another thread."""
    return Elsewhere(function).join()


class Stop:
    """A place in the code where one thread waits until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.go.wait(PATIENCE), "it was never let go"

    def wait(self) -> None:
        assert self.reached.wait(PATIENCE), "it was never reached"


@contextmanager
def stopped(
    owner: Any, name: str, function: Callable[[], Any], *, after: bool
) -> Iterator[Elsewhere]:
    """Runs `function` elsewhere up to `owner.name` (before or after it); the rest at the end."""
    stop = Stop()
    original = getattr(owner, name)
    started: list[Elsewhere] = []

    def waiting(*args: Any, **kwargs: Any) -> Any:
        mine = started and threading.current_thread() is started[0].thread
        if mine and not after and not stop.reached.is_set():
            stop()
        result = original(*args, **kwargs)
        if mine and after and not stop.reached.is_set():
            stop()
        return result

    patch = pytest.MonkeyPatch()
    patch.setattr(owner, name, waiting)
    ready = threading.Event()

    def run() -> Any:
        ready.wait(PATIENCE)
        return function()

    try:
        started.append(Elsewhere(run))
        ready.set()
        stop.wait()
        yield started[0]
        stop.go.set()
        started[0].join()
    finally:
        stop.go.set()
        patch.undo()


def loaded(read: Callable[[], Any]) -> Any:
    """A reader that has loaded from the database and not yet filled."""
    return stopped(path, "load_missing", read, after=True)


def committed(write: Callable[[], Any]) -> Any:
    """A writer whose COMMIT has returned and whose gates are not yet open."""
    return stopped(Touched, "open", write, after=False)


def killed(function: Callable[[], Any]) -> int:
    """Runs `function` in a child process that is expected to die; its exit code."""
    connections.close_all()
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode is not None
    return process.exitcode


# --- protections switched off, so that a test can be seen to fail


def without_closing(patch: pytest.MonkeyPatch) -> None:
    """Writes do not close their gates."""
    patch.setattr(Touched, "close", lambda self, writer: True)


def without_opening(patch: pytest.MonkeyPatch) -> None:
    """Writes invalidate when the statement runs, and not again after COMMIT."""
    opened, touch = Touched.open, Transaction.touch

    def touch_and_open(self: Transaction, touched: Touched, sql: str = "") -> None:
        opened(touched, self.writer)
        touch(self, touched, sql)

    patch.setattr(Transaction, "touch", touch_and_open)
    patch.setattr(Touched, "close", lambda self, writer: True)
    patch.setattr(Touched, "open", lambda self, writer, sql="": None)


def without_generations(patch: pytest.MonkeyPatch) -> None:
    """An entry is valid whatever generation it was filled under."""

    def any_generation(shelf: Any, lookup: Any, generations: Any, value: Any) -> tuple[str, ...]:
        behind = generations[shelf.of_absence if value is None else shelf.of_value]
        return ("any",) * len(behind)

    for shelf in (RowShelf, RecordShelf):
        patch.setattr(shelf, "generation", any_generation)
        patch.setattr(shelf, "refuse", lambda self, lookup, seen, value: "")


def without_lease_check(patch: pytest.MonkeyPatch) -> None:
    """A fill stores whoever holds the lease."""
    text = scripts.text

    def unchecked(name: str) -> str:
        return "\n".join(
            line for line in text(name).splitlines() if "~= ARGV[1] then return 0" not in line
        )

    patch.setattr(scripts, "text", unchecked)


def without_recall(patch: pytest.MonkeyPatch) -> None:
    """A Redis is trusted whoever it is."""
    patch.setattr(Client, "greet", lambda self, new=True: ("PING",))


def without_waiting(patch: pytest.MonkeyPatch) -> None:
    """A replica is read whatever it has applied."""
    patch.setattr(replicas, "has_applied", lambda alias, positions: True)
