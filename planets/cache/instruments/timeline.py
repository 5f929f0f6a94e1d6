"""When what happened while one request was served: round trips, statements, fetches."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any, NamedTuple

from ..reading import path, reporting
from ..reading.lookup import Begun, Loaded, Lookup, Seen
from ..storage import scripts
from ..storage.client import Exchange
from ..storage.wire import Command, Reply
from ..writing import observer
from ..writing.statement import Statement
from .trips import tapped
from .watch import Watch, here

# What each script of the layer's is for, in the words of the read path and of a write. A trip
# has the first of these purposes that one of its commands has.
PURPOSES = {
    "fill_string": "fill", "fill_hash": "fill", "claim": "claim", "hold": "open",
    "admit": "gates", "stamp": "gates", "release": "release",
}  # fmt: skip
# Where after its keys a hold has its milliseconds: 0 of them take a writer away.
HOLD_MS = 4


class Trip(NamedTuple):
    """A round trip to Redis. Times are seconds of time.perf_counter()."""

    name: str  # look, claim, fill, release; gates, asked or opened; of a write: close, open
    commands: int
    bytes: int  # of values that it stored
    began: float
    ended: float
    answered: bool


class Ran(NamedTuple):
    """A statement of the database."""

    kind: str  # read, write, ...
    sql: str
    params: Any
    began: float
    ended: float
    in_fetch: bool  # a fetch has run it to load


class Read(NamedTuple):
    """A fetch, as the read path knows it. Its events are `asked` of the timeline's fetches."""

    lookup: Lookup
    seen: Seen
    loaded: Loaded
    first: int
    asked: int
    began: float
    ended: float


class Timeline(Watch):
    """A watch that hears of the steps, too, and of when they began and ended."""

    def __init__(self, *, stacks: bool = False) -> None:
        super().__init__(stacks=stacks)
        self.trips: list[Trip] = []
        self.statements: list[Ran] = []
        self.reads: list[Read] = []
        self.began = self.ended = 0.0
        self._taps = ExitStack()

    def start(self) -> None:
        if self.on:
            return
        super().start()
        self._taps.enter_context(tapped(self._hear_trip))
        _hear(+1)
        self.began = time.perf_counter()

    def stop(self) -> None:
        if not self.on:
            return
        self.ended = time.perf_counter()
        _hear(-1)
        self._taps.close()
        super().stop()

    def _hear_trip(self, usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
        began, answered = time.perf_counter(), False
        try:
            replies = usual(commands)
            answered = True
            return replies
        finally:
            ended = time.perf_counter()
            name, stored = _purpose(commands)
            self.trips.append(Trip(name, len(commands), stored, began, ended, answered))


# Hearers of the path and witnesses of statements are process-wide: they are there only while there
# are timelines. They stand last in their lists, so that no other is skipped where they leave.
_timelines = 0
_lock = threading.Lock()


def _hear(by: int) -> None:
    global _timelines
    with _lock:
        _timelines += by
        if by > 0 and _timelines == 1:
            reporting.hearers.append(_hear_read)
            observer.witnesses.append(_hear_statement)
        elif not _timelines:
            reporting.hearers.remove(_hear_read)
            observer.witnesses.remove(_hear_statement)


def _timelines_here() -> list[Timeline]:
    return [watch for watch in here() if isinstance(watch, Timeline)]


def _hear_read(lookup: Lookup, seen: Seen, loaded: Loaded, begun: Begun, reason: str) -> None:
    now = time.perf_counter()
    for timeline in _timelines_here():
        # Its events, one for each key, are told next.
        first = len(timeline.fetches)
        timeline.reads.append(
            Read(lookup, seen, loaded, first, len(lookup.keys), begun.started, now)
        )


def _hear_statement(
    alias: str, statement: Statement, sql: str, params: Any, cursor: Any, run: Callable[[], Any]
) -> Any:
    timelines = _timelines_here()
    if not timelines:
        return run()
    began = time.perf_counter()
    try:
        return run()
    finally:
        in_fetch = path.loading.get() is not None
        ran = Ran(statement.kind, sql, params, began, time.perf_counter(), in_fetch)
        for timeline in timelines:
            timeline.statements.append(ran)


def _purpose(commands: Sequence[Command]) -> tuple[str, int]:
    """What a round trip is for, and how many bytes of values it stores."""
    found, stored = set(), 0
    for command in commands:
        name = _scripts().get(command[1], "") if command[0] == "EVAL" else ""
        purpose = PURPOSES.get(name, "")
        closes = name == "hold" and command[HOLD_MS + command[2]]
        found.add("close" if closes else purpose)
        if purpose == "fill":
            stored += sum(len(part) for part in command[3:] if isinstance(part, bytes))
    order = ("fill", "claim", "close", "open", "gates", "release")
    return next((purpose for purpose in order if purpose in found), "look"), stored


@lru_cache(maxsize=1)
def _scripts() -> dict[str, str]:
    """The name of each script by its text."""
    return {scripts.text(name): name for name in PURPOSES}


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent's may be held, by a thread that is not here


os.register_at_fork(after_in_child=_after_fork)
