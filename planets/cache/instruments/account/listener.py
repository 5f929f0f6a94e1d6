"""What this process hears of its own statements, until it is shared.

Plain SELECTs and writes are heard where every statement of Django's passes, fetches where the read
path reports them. A statement that a fetch runs to load is the fetch's. Writes count when what they
touched goes stale, that is after COMMIT, for then entries go.

A call pays for its line alone. Where it came from, and how many bytes its rows have, is found out
now and then (Known.is_closely).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.signals import request_started

from ...events import Invalidation, invalidated
from ...reading import path, reporting
from ...reading.causes import TOO_OLD
from ...reading.lookup import Begun, Found, Loaded, Lookup, Seen
from ...storage import keys
from ...storage.background import Background
from ...writing import observer
from ...writing.statement import Statement
from ...writing.words import Unreadable
from .. import afterwards
from . import known, page, sample, sketch
from .known import CLOSELY, Known
from .ledger import Ledger
from .line import Kind, Line
from .runs import SECOND
from .sharing import share

T = TypeVar("T")

PAUSE = 30.0  # seconds between two additions to the shared account
TEXTS = 2_048  # of statements that are known by their text
KEYS = 8_192  # of entries that are known by their key
MOST_HITS = 500  # in no line yet
MOST_PENDING = 100  # writes of one transaction


class Listener:
    """The account of this process since it was last shared."""

    def __init__(self) -> None:
        self.background = Background("cache-aside account", self.work)
        self.on = False
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a child does: what the parent heard is the parent's to share."""
        self.lock, self.sharing = threading.Lock(), threading.Lock()
        self.me = int.from_bytes(os.urandom(sketch.BITS // 8), "big")
        self.waiting = Ledger()  # what is to be shared
        # Hits that are in no line yet, with their times: those of pages, and the others.
        self.pages: list[tuple[Lookup, float]] = []
        self.hits: list[tuple[tuple[Known, int], float]] = []
        self.page_hits = 0
        self.ledger = self._begun()
        self.epoch = 0  # moves when lines leave the ledger
        self.told_at = time.monotonic()
        self.texts: dict[tuple[str, ...], Known | None] = {}
        self.keys: dict[str, tuple[()] | tuple[Known, int]] = {}
        self.written: dict[str, int] = {}
        self.writes = 0
        self.here = threading.local()
        self.background.renew()

    def start(self) -> None:
        """Hear, from now on."""
        if self.on:
            return
        self.on = True
        observer.witnesses.append(self.ran)
        reporting.hearers.append(self.fetched)
        invalidated.connect(self.went_stale, dispatch_uid="account")
        request_started.connect(page.begins, weak=False, dispatch_uid="account")
        afterwards.each.append(self.page_ends)

    def stop(self) -> None:
        if not self.on:
            return
        self.on = False
        observer.witnesses.remove(self.ran)
        reporting.hearers.remove(self.fetched)
        invalidated.disconnect(dispatch_uid="account")
        request_started.disconnect(dispatch_uid="account")
        afterwards.each.remove(self.page_ends)

    @property
    def heard(self) -> Ledger:
        with self.lock:
            self._add_hits()
            return self.ledger

    # --- hearing

    def ran(
        self,
        alias: str,
        statement: Statement,
        sql: str,
        params: Any,
        cursor: Any,
        run: Callable[[], Any],
    ) -> Any:
        """Around a statement, however it is made."""
        if statement.kind == "write":
            return self._writes(alias, sql, params, run)
        if statement.kind != "read" or path.loading.get() is not None:
            return run()
        started = time.perf_counter()
        result = run()
        ms = (time.perf_counter() - started) * 1000
        if about := self._know(alias, "sql", sql, params is not None):
            key = about.hash_of(params)
            with self.lock:
                line = self._call(about, key, _now())
                if about.is_closely():
                    about.locate()
                    rows = max(getattr(cursor, "rowcount", 0), 0)
                    line.looked(rows, rows * _width(cursor))
                line.loaded(ms)
        return result

    def fetched(
        self, lookup: Lookup, seen: Seen, loaded: Loaded, begun: Begun, reason: str
    ) -> None:
        """A fetch has come to its end."""
        if not loaded.values and lookup.shelf.kind == "page":
            self.page_hits = count = self.page_hits + 1
            if count & (CLOSELY - 1) and count & (count - 1):  # not one to be looked at closely
                self.pages.append((lookup, time.time()))
                return
        if loaded.values and loaded.ms is None:
            return  # it has left it to others to ask, who are heard
        if loaded.values:
            with self.lock:
                for key in seen.missing:
                    if known_key := self._meet(lookup, key):
                        self._missed(lookup, key, *known_key, seen, loaded, begun, reason)
        now, met = time.time(), self.keys
        for key in seen.hits:
            if (one := met.get(key)) is None:
                with self.lock:
                    one = self._meet(lookup, key)
            if not one:
                continue
            about, hashed = one
            self.hits.append((one, now))
            if about.kind != "page":
                page.asks(about.digest, hashed)
            if about.is_closely():
                self._look_closely(lookup, seen.hits[key], about, begun)
        if len(self.hits) >= MOST_HITS:
            with self.lock:
                self._add_hits()

    def _look_closely(self, lookup: Lookup, found: Found, about: Known, begun: Begun) -> None:
        """At a hit."""
        ms = _ms(lookup, begun)
        with self.lock:
            self._add_hits()
            line = self._line(about)
            about.locate()
            about.fetched(lookup)
            line.sizes += 1
            line.bytes += found.bytes
            sample.add(line.hit_sample, line.hits, ms)

    def _add_hits(self) -> None:
        """To their lines, many at once: that takes less than each by itself."""
        met = ((self._meet(lookup, lookup.keys[0]), at) for lookup, at in _taken(self.pages))
        pages = [(one, at) for one, at in met if one]
        for (about, key), at in [*_taken(self.hits), *pages]:
            line = about.line if about.epoch == self.epoch else self._line(about)
            line.hits += 1
            # Not each write of a table is one of what something was computed from.
            written = 0 if about.is_computed else self._last_write(about)
            line.called(key, int(at * SECOND), written)

    def _missed(
        self,
        lookup: Lookup,
        key: str,
        about: Known,
        hashed: int,
        seen: Seen,
        loaded: Loaded,
        begun: Begun,
        reason: str,
    ) -> None:
        self._add_hits()
        value, now, written = loaded.values.get(key), _now(), None
        if about.is_computed:
            if value is not None:
                about.tables, about.seen_writes = _behind(value.dependencies.gates), -1
            if (cause := seen.stale.get(key)) and cause is not TOO_OLD:
                written = now  # a write of what it stood on, which need not be all of a table
        line = self._call(about, hashed, now, written)
        about.fetched(lookup)
        if about.is_closely():
            about.locate()
        if begun.outcome == "miss":
            line.misses += 1
            line.waits += begun.claimed.waits
            line.thrown_away += bool(reason)
            line.too_large += "MAX_BYTES" in reason
        else:
            line.bypasses += 1
        if about.is_computed:
            line.tables, line.why = about.tables, reason or line.why
        if loaded.ms is not None:
            line.loaded(loaded.ms)
            if begun.outcome == "miss":
                overhead = max(0.0, _ms(lookup, begun) - loaded.ms)
                sample.add(line.overhead_sample, line.misses, overhead)
            if not about.is_computed:
                line.looked(len(value) if isinstance(value, list) else 1)

    def _writes(self, alias: str, sql: str, params: Any, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        # Before it runs: in autocommit what it touches has gone stale when it returns.
        about = self._know(alias, "write", sql, params is not None)
        if about:
            pending: list[Known] = vars(self.here).setdefault("pending", [])
            pending.append(about)
            del pending[:-MOST_PENDING]
        result = run()
        if about:
            with self.lock:
                self._line(about).loaded((time.perf_counter() - started) * 1000)
        return result

    def went_stale(self, event: Invalidation, **kwargs: Any) -> None:
        """Receiver of `invalidated`: a transaction of this thread's was committed."""
        now, tables = _now(), frozenset(event.tables)
        pending: list[Known] = vars(self.here).pop("pending", [])
        if not tables:
            return  # all of the databases: nobody's pattern to learn from
        did = [about for about in pending if not about.statement.tables.isdisjoint(tables)]
        if not did:  # by hand, or for another table's sake
            statement = Statement("write", tables)
            text = f"invalidate {', '.join(sorted(tables))}"
            did = [Known("", "write", text, "", statement)]
        with self.lock:
            self._add_hits()  # that came before
            for about in did:
                self._line(about).called(0, now, now)
                if about.is_closely():
                    about.locate()
            for table in tables:
                self.written[table] = now
            self.writes += 1

    def page_ends(self) -> None:
        """After each request: what was asked again and again; and is it time to share?"""
        if repeated := page.ends():
            with self.lock:
                self._add_hits()
                for digest, calls in repeated.items():
                    if line := self.ledger.lines.get(digest):
                        line.pages += 1
                        line.in_pages += len(calls)
                        line.sets_in_pages += len(set(calls))
        if time.monotonic() - self.told_at > PAUSE:
            self.told_at = time.monotonic()
            self.background.ensure()

    def asked(self) -> dict[str, tuple[str, int]]:
        """What this request has asked so far: by digest, the statement and how often."""
        lines = self.heard.lines
        with self.lock:
            return {
                digest: (lines[digest].text, len(calls))
                for digest, calls in page.asked().items()
                if digest in lines
            }

    # --- lines

    def _know(self, alias: str, kind: Kind, sql: str, filled_in: bool) -> Known | None:
        """None for what cannot be told without its values."""
        name = (alias, sql)
        try:
            return self.texts[name]
        except KeyError:
            pass
        about: Known | None
        try:
            about = known.of_statement(alias, kind, sql, filled_in)
        except Unreadable:
            about = None
        return self._remember(name, about)

    def _meet(self, lookup: Lookup, key: str) -> tuple[()] | tuple[Known, int]:
        """What a key is of, and its hash; () for what cannot be told without its values."""
        if (met := self.keys.get(key)) is not None:
            return met
        kind = lookup.shelf.kind
        name = (lookup.alias, lookup.sql) if kind == "sql" else (lookup.alias, kind, lookup.sql)
        try:
            about = self.texts[name]
        except KeyError:
            try:
                about = self._remember(name, known.of_fetch(lookup))
            except Unreadable:
                about = self._remember(name, None)
        if len(self.keys) >= KEYS:
            self.keys.clear()
        self.keys[key] = met = (about, sketch.hash_of(key)) if about else ()
        return met

    def _remember(self, name: tuple[str, ...], about: Known | None) -> Known | None:
        if len(self.texts) >= TEXTS:
            self.texts.clear()
        self.texts[name] = about
        return about

    def _line(self, about: Known) -> Line:
        if about.epoch != self.epoch:
            line = self.ledger.lines.get(about.digest)
            if line is None:
                line = about.new_line()
                self.epoch += self.ledger.place(about.digest, line)
            about.line, about.epoch = line, self.epoch
        return about.line

    def _call(self, about: Known, key: int, now: int, written: int | None = None) -> Line:
        """`written` is when what it reads was; None: as its tables were."""
        line = self._line(about)
        line.called(key, now, self._last_write(about) if written is None else written)
        if about.kind != "page":
            page.asks(about.digest, key)
        return line

    def _last_write(self, about: Known) -> int:
        """When its tables were written last, as far as was heard here."""
        if about.seen_writes != self.writes:
            about.seen_writes = self.writes
            about.written = max((self.written.get(table, 0) for table in about.tables), default=0)
        return about.written

    # --- sharing

    def _begun(self) -> Ledger:
        return Ledger(began=_now(), tellers=[self.me])

    def work(self) -> None:
        """What the thread does."""
        self.tell()

    def tell(self) -> bool:
        """Share what was heard; what Redis does not take waits. True where all is told."""
        with self.sharing:
            with self.lock:
                self._add_hits()
                heard, self.ledger = self.ledger, self._begun()
                self.epoch += 1
            heard.ended = _now()
            self.waiting.merge(heard)
            if not share(self.waiting):
                return False
            self.waiting = Ledger()
            return True


def _now() -> int:
    return int(time.time() * SECOND)


def _taken(waiting: list[T]) -> list[T]:
    """All of these, and out; another thread may add some meanwhile."""
    count = len(waiting)
    taken = waiting[:count]
    del waiting[:count]
    return taken


def _ms(lookup: Lookup, begun: Begun) -> float:
    """What a fetch took, of each of its keys."""
    return (time.perf_counter() - begun.started) * 1000 / len(lookup.keys)


def _behind(gates: dict[str, str]) -> tuple[str, ...]:
    """The tables of which any write makes it stale, not only one of a row that it stands on."""
    parts = [keys.behind(gate).partition("#") for gate in gates]
    return tuple(sorted({table for table, _, part in parts if part != "rows"} - {"*"}))


def _width(cursor: Any) -> int:
    """Bytes of a row, at most: MySQL's driver knows the longest value of each column."""
    described = getattr(cursor, "description", None) or ()
    return sum(column[2] or 0 for column in described)


listener = Listener()
os.register_at_fork(after_in_child=listener.renew)
