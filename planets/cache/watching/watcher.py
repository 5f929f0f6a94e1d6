"""Following the binlog, so that writes from outside of Django are seen, too.

    hear         the events of a transaction, up to its commit
    wait         until what it wrote can be read: its events are sent before that
    invalidate   its gates and records; who loaded the past did so under a generation that is gone
    store        the position, which is thus never ahead of the invalidations

A process that is killed anywhere in between leaves an older position, and the next one does some of
it again, which costs a miss. The position lies in the Redis that the entries lie in: what forgets
the one forgets the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from ..conf import conf
from ..storage import gates, keys
from ..storage.client import client
from ..storage.errors import Unavailable
from ..writing.stale import Touched, whole_databases
from . import turn as turns
from .assembly import Assembly
from .batch import Batch
from .change import Change
from .needs import missing
from .position import Position, Progress
from .schema import Schema
from .source import LOST, BinlogOff, Source
from .state import State
from .stream import Lost, Purged, Stream
from .turn import Turn, TurnIsOver

TELL = 0.25  # seconds between two stores of the position
POLL = 0.25  # seconds between two attempts to take the turn
RETRY = 0.5  # seconds between two attempts to reach the database
VISIBLE = 10.0  # seconds that a commit may take after its events were sent
# Where a server does not tell what is visible, all is invalidated a second time, so much later.
SETTLE = 1.0

Tell = Callable[[str, Mapping[str, Any]], None]  # what has happened, and what there is to say of it


class Lacks(Exception):
    """The server or the watcher's user lacks something that is needed."""


class NotVisible(Exception):
    """A transaction is in the binlog, and nobody can read it yet."""


class Watcher:
    """`databases` are those of the source that are cached: the name to the alias."""

    def __init__(self, alias: str, databases: Mapping[str, str], tell: Tell) -> None:
        self.alias, self.databases, self.tell = alias, databases, tell
        self.source = Source(alias)
        self.state = State(since=time.time())
        self.stopping = threading.Event()
        self.position: Position | None = None  # what is invalidated
        self._told_at = self._asked_at = 0.0
        self._heard_at = time.time()
        self._again: list[tuple[float, Touched]] = []

    def run(self) -> None:
        """Until `stopping` is set."""
        while not self.stopping.is_set():
            turn = self._wait_for_turn()
            if turn is None:
                return
            try:
                self._work(turn)
                self._tell(turn)
                turn.end()
            except TurnIsOver as error:
                self.tell("another has taken over", {"who": str(error)})
            except Unavailable as error:
                self._failed(error)

    def _wait_for_turn(self) -> Turn | None:
        waits_for = ""
        while not self.stopping.is_set():
            try:
                turn, who = turns.take(self.alias)
                if turn:
                    self.tell("watching", {"turn": who})
                    return turn
                if who != waits_for:
                    self.tell("waiting", {"turn": who})
                    waits_for = who
            except Unavailable as error:
                self._failed(error)
            self.stopping.wait(POLL)
        return None

    def _work(self, turn: Turn) -> None:
        """Follow, and follow again where the connection is lost. Raises TurnIsOver."""
        while not self.stopping.is_set():
            try:
                self.source.connect()
                if lacks := [
                    need.text for need in missing(self.source, self.databases) if need.fatal
                ]:
                    raise Lacks(" ".join(lacks))
                self._follow(turn, self._begin(turn))
            except Purged as error:
                self._failed(error)
                self._begin_at_the_end(turn, str(error))
            except (Lost, Lacks, NotVisible, BinlogOff, Unavailable, *LOST) as error:
                self._failed(error)
                self._try_to_tell(turn)
                self.stopping.wait(RETRY)
            finally:
                self.source.close()

    # --- where to begin

    def _begin(self, turn: Turn) -> Position:
        position = turn.position() or self.position
        why = self.source.unknown(position) if position else "no position is stored"
        if position and not why:
            self.position = position
            self.tell("going on", {"position": str(position), "gtids": position.gtids})
            return position
        return self._begin_at_the_end(turn, why)

    def _begin_at_the_end(self, turn: Turn, why: str) -> Position:
        """Nobody knows what was missed. All that comes after the end is heard of."""
        end = self.source.end()
        if self.source.is_mariadb and not self.source.wait_until_visible(end, "", VISIBLE):
            raise NotVisible(f"what was committed before {end} is not visible yet")
        self._invalidate(whole_databases())
        self._count_invalidation(whole_databases())
        self.position = end
        self._tell(turn)
        self.tell("everything invalidated", {"why": why, "position": str(end)})
        return end

    # --- following

    def _follow(self, turn: Turn, start: Position) -> None:
        source = self.source
        numbers = source.gtids(start.gtids) if source.has_gtids else None
        progress, batch = Progress(start, numbers), Batch(source.gtids)
        assembly = Assembly(Schema(source), self.databases)
        with closing(Stream(source, start, assembly)) as stream:
            while not self.stopping.is_set():
                change = stream.hear()
                self._heard_at = time.time()
                if change:
                    progress.passed(change)
                    self._count(change)
                    if change.touched:
                        batch.add(change)
                if batch.touched:
                    if not batch.is_full and stream.more_has_come():
                        continue
                    self._land(turn, batch)
                    batch = Batch(source.gtids)
                self._settle()
                if time.monotonic() > self._told_at + TELL:
                    self.position = progress.position
                    if not stream.more_has_come():
                        self.state.lag = 0.0
                    self._tell(turn)
        self.position = progress.position

    def _land(self, turn: Turn, batch: Batch) -> None:
        """Invalidate a batch, once others can read what it wrote."""
        began, visible = time.monotonic(), False
        while not visible and time.monotonic() < began + VISIBLE:
            visible = self.source.wait_until_visible(batch.end, str(batch.new), TELL)
            if not visible:
                self._tell(turn)
        self._invalidate(batch.touched)
        self._count_invalidation(batch.touched)
        # The server tells whole seconds.
        self.state.lag = max(0.0, time.time() + self.source.clock - batch.at - 1)
        if not visible:
            # It goes on from the stored position, and so comes by here again.
            raise NotVisible(f"the transaction that ends at {batch.end} is not visible yet")
        if batch.blind and not self.source.is_mariadb:
            self._again.append((time.monotonic() + SETTLE, batch.touched))

    def _invalidate(self, touched: Touched) -> None:
        """Now, or as soon as Redis is there; meanwhile nothing more is read."""
        # Who fills from a replica must wait for it, too: what a gate says of others it adds to.
        touched = replace(touched, committed=self.source.committed())
        commands, waited = touched.opening(gates.token()), False
        while True:
            try:
                client.call(*commands)
                break
            except Unavailable as error:
                if not waited:
                    self._failed(error)
                    waited = True
                if self.stopping.wait(conf().BREAKER_PROBE):
                    raise
        if waited:
            self.tell("Redis is back", {})

    def _settle(self) -> None:
        while self._again and self._again[0][0] < time.monotonic():
            self._invalidate(self._again.pop(0)[1])

    # --- telling

    def _count(self, change: Change) -> None:
        self.state.transactions += 1
        for write, number in change.writes.items():
            name = {True: "ours", False: "outside", None: "unknown"}[write.ours]
            setattr(self.state, name, getattr(self.state, name) + number)

    def _count_invalidation(self, touched: Touched) -> None:
        self.state.invalidations += len(touched.gates) + len(touched.records)
        self.state.everything += any(map(keys.is_database_gate, touched.gates))

    def _tell(self, turn: Turn) -> None:
        """Store the position, and say how it goes."""
        self._told_at = time.monotonic()
        # While anything has to be invalidated again, the position stays before it.
        state, position = self.state, None if self._again else self.position
        state.watching, state.at = not self.stopping.is_set(), time.time()
        if position:
            state.position, state.gtids = str(position), position.gtids
            if self.source.is_connected and self._asked_at < self._told_at - 1:
                self._asked_at = self._told_at
                state.bytes_behind = self.source.bytes_behind(position)
        turn.tell(position, state.text())
        self.tell("", {})

    def _try_to_tell(self, turn: Turn) -> None:
        self.state.lag = time.time() - self._heard_at
        try:
            self._tell(turn)
        except Unavailable as error:
            self._failed(error)

    def _failed(self, error: object) -> None:
        if str(error) != self.state.error:
            self.tell("failed", {"error": str(error)})
        self.state.failed(error)
