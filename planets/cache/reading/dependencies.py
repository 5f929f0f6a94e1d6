"""What something computed depends on: found out while it is computed, and proven when it is read.

While a page, a fragment or a value is computed, a Tracker hears of every read in its reach:

    1. A fetch of ours: its gates, with the generation that its value was served or loaded under.
       A record that lies in Redis counts by itself, with the token that it was filled under, so a
       write to another row of its table leaves what was computed from it alone.
    2. Any other SELECT: the gates of its tables, whose generation is asked *before* it runs.

A write moves the generation before it returns to its caller. So whatever was read before that write
was noted under an older generation, and what is computed from it is stored already unreachable.

What runs in a thread without this context is not heard; `carry` takes the context there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

from .. import active
from ..storage import gates, keys
from ..storage.client import client
from ..storage.errors import Unavailable
from ..storage.places import primary
from ..storage.position import UNKNOWN
from ..writing import hooks, hot
from ..writing.observer import observer
from ..writing.statement import Statement
from . import replicas
from .ahead import Ahead
from .lookup import Claim, Found, Lookup

P = ParamSpec("P")
R = TypeVar("R")

TWICE = "a table that it reads was written while it was computed"
CLOSED = "a write to a table that it reads is in flight"
WRITES = "it writes to the database"
FAILED = "a read of the database failed while it was computed"


class Dependencies(NamedTuple):
    """Gates and records, each with the token that it had when it was read."""

    gates: dict[str, str]
    records: dict[str, str]


class Tracker:
    """Hears of the reads of one computation. `refusal` says why its result must not be stored."""

    def __init__(self, ahead: tuple[Ahead, ...] = ()) -> None:
        self.gates: dict[str, str] = {}
        self.records: dict[str, str] = {}
        self.tables: set[str] = set()
        self.refusal = ""
        # When the oldest was filled of what was served late to this computation; 0: nothing was.
        self.since = 0.0
        # Of each replica, the gates that it was not behind when they were noted.
        self._caught_up: dict[str, set[str]] = {}
        self.without_database = False  # something was served late as the database is away
        self.fetched: list[Lookup] = []  # queries and records
        self.ahead = ahead  # of this computation and those around it

    def found(self) -> Dependencies:
        return Dependencies(self.gates, self.records)

    def refuse(self, reason: str) -> None:
        """The result must not be stored; the first reason is the one that is told."""
        self.refusal = self.refusal or reason

    def note_gates(self, generations: Mapping[str, str | None]) -> None:
        """Gates, and the generation that each had before what stands behind it was read."""
        for gate, generation in generations.items():
            if generation is None:
                self.refuse(CLOSED)
            elif self.gates.setdefault(gate, generation) != generation:
                self.refuse(TWICE)

    def note_record(self, key: str, token: str) -> None:
        """A record, and the token that it was filled under."""
        if self.records.setdefault(key, token) != token:
            self.refuse(TWICE)

    def note_all(self, inner: Dependencies, tables: Iterable[str]) -> None:
        """What a computation inside of this one depends on."""
        self.note_gates(inner.gates)
        for key, token in inner.records.items():
            self.note_record(key, token)
        self.tables.update(tables)

    def note_late(self, served: Iterable[Found]) -> None:
        """What is made of something late is as late, by whoever it is given out."""
        for found in served:
            if found.late:
                self.lags(found.filled)

    def lags(self, since: float) -> None:
        """It is made of what was filled then and is not current."""
        if since:
            self.since = min(since, self.since or since)

    def does_without(self) -> None:
        """A read was answered late, as the database is away."""
        self.without_database = True

    # --- what is known before it is asked for

    def claimed_ahead(self, lookup: Lookup) -> Claim | None:
        """The claim to a lookup, where there is nothing to look for and its leases are ours."""
        return next(filter(None, (known.take(lookup) for known in self.ahead)), None)

    @property
    def holds_leases(self) -> bool:
        """Whether others may wait for what this computation has yet to load."""
        return any(known.left() for known in self.ahead)

    # --- the Observer of this thread's or task's statements

    def reads(self, alias: str, statement: Statement, sql: str) -> None:
        """Take the generations of a SELECT's tables before it runs: one round trip for new ones."""
        if self.refusal:
            return
        if statement.kind != "read" or statement.doubt:
            self.refuse(statement.doubt or "it runs a statement that is no SELECT")
            return
        tables = [keys.gate(alias, table) for table in sorted(statement.tables)]
        names = [
            keys.database_gate(alias, beside=tables[0] if tables else ""),
            *tables,
            *hot.gates_read(alias, sql, statement.tables),
        ]
        transaction = hooks.transaction_of(active.connection(alias))
        if transaction and (reason := transaction.forbids(names, ())):
            self.refuse(reason)
            return
        self.tables |= statement.tables
        known = self._caught_up.setdefault(alias, set()) if primary(alias) else self.gates
        if known is self.gates:
            for earlier in self.ahead:
                told = earlier.generations
                self.note_gates({n: told[n] for n in names if n in told and n not in known})
        if new := [name for name in names if name not in known]:
            try:
                replies = client.ask(*map(gates.admit, new))
            except Unavailable as error:
                self.refuse(str(error))
                return
            generations = dict(zip(new, map(gates.generation, replies), strict=True))
            self.note_gates(generations)
            if primary(alias) and not self.refusal:
                self._catch_up(alias, generations, list(map(gates.position, replies)))

    def _catch_up(
        self, alias: str, generations: dict[str, str | None], positions: list[str]
    ) -> None:
        """Wait for a replica, which the SELECT will read, until it is not behind these gates."""
        seen = zip(generations.values(), positions, strict=True)
        if UNKNOWN in positions:
            positions = [replicas.note_position(alias, dict(zip(generations, seen, strict=True)))]
        if replicas.has_applied(alias, positions):
            self._caught_up[alias].update(generations)
        else:
            self.refuse(f"the replica {alias!r}, which it reads, may be behind")

    def writes(self) -> None:
        self.refuse(WRITES)

    def fails(self) -> None:
        self.refuse(FAILED)


_tracker: ContextVar[Tracker | None] = ContextVar("cache_aside_tracker", default=None)


def tracker() -> Tracker | None:
    """Who hears of what this thread or task reads."""
    return _tracker.get()


@contextmanager
def tracking(ahead: Ahead | None = None) -> Iterator[Tracker]:
    """Within it a tracker hears of every read; one around it is told of what it has found."""
    around = tracker()
    made = Tracker((*filter(None, [ahead]), *(around.ahead if around else ())))
    token, heard = _tracker.set(made), observer.set(made)
    try:
        yield made
    finally:
        _tracker.reset(token)
        observer.reset(heard)
        # Whatever comes of it: it may be uncached, or raise what the one around it handles.
        if outer := tracker():
            outer.note_all(made.found(), made.tables)
            outer.lags(made.since)
            outer.without_database |= made.without_database
            if made.refusal:
                outer.refuse(made.refusal)


@contextmanager
def unheard() -> Iterator[None]:
    """Within it statements are not heard: they are those of a fetch, which tells of itself."""
    heard = observer.set(None)
    try:
        yield
    finally:
        observer.reset(heard)


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, heard by the tracker of here, to be run in other threads."""
    context = copy_context()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time, and threads of a pool run this together.
        return context.copy().run(function, *args, **kwargs)

    return carried
