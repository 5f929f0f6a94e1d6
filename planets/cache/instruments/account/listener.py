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
from typing import Any

from django.core.signals import request_started

from ...events import Invalidation, invalidated
from ...reading import path, reporting
from ...reading.causes import TOO_OLD
from ...reading.lookup import Begun, Found, Loaded, Lookup, Seen
from ...storage import keys
from ...storage.background import Background
from ...writing import observer
from ...writing.statement import Statement
from .. import afterwards
from . import page, sample
from .book import Book, instant
from .known import CLOSELY, Known
from .ledger import Ledger

PAUSE = 30.0  # seconds between two additions to the shared account
MOST_HITS = 500  # in no line yet
MOST_PENDING = 100  # writes of one transaction


class Listener:
    """Who writes this process's book."""

    def __init__(self) -> None:
        self.background = Background("cache-aside account", self.work)
        self.on = False
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a child does: what the parent heard is the parent's to share."""
        self.book = Book()
        self.page_hits = 0
        self.told_at = time.monotonic()
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
        """What is in no account that is shared."""
        return self.book.heard

    def work(self) -> None:
        """What the thread does."""
        self.tell()

    def tell(self) -> bool:
        """Share what was heard. True where all of it is."""
        return self.book.tell()

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
        book, started = self.book, time.perf_counter()
        result = run()
        ms = (time.perf_counter() - started) * 1000
        if about := book.know(alias, "sql", sql, params is not None):
            key = about.hash_of(params)
            with book.lock:
                line = book.call(about, key, instant())
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
        book = self.book
        if not loaded.values and lookup.shelf.kind == "page":
            self.page_hits = count = self.page_hits + 1
            if count & (CLOSELY - 1) and count & (count - 1):  # not one to be looked at closely
                book.pages.append((lookup, time.time()))
                return
        if loaded.values and loaded.ms is None:
            return  # it has left it to others to ask, who are heard
        if loaded.values:
            with book.lock:
                for key in seen.missing:
                    if known_key := book.meet(lookup, key):
                        self._missed(lookup, key, *known_key, seen, loaded, begun, reason)
        now, met = time.time(), book.keys
        for key in seen.hits:
            if (one := met.get(key)) is None:
                with book.lock:
                    one = book.meet(lookup, key)
            if not one:
                continue
            about, hashed = one
            book.hits.append((one, now))
            if about.kind != "page":
                page.asks(about.digest, hashed)
            if about.is_closely():
                self._look_closely(lookup, seen.hits[key], about, begun)
        if len(book.hits) >= MOST_HITS:
            with book.lock:
                book.add_hits()

    def _look_closely(self, lookup: Lookup, found: Found, about: Known, begun: Begun) -> None:
        """At a hit."""
        book = self.book
        ms = _ms(lookup, begun)
        with book.lock:
            book.add_hits()
            line = book.line(about)
            about.locate()
            about.fetched(lookup)
            line.sizes += 1
            line.bytes += found.bytes
            sample.add(line.hit_sample, line.hits, ms)

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
        book = self.book
        book.add_hits()
        value, now, written = loaded.values.get(key), instant(), None
        if about.is_computed:
            if value is not None:
                about.tables, about.seen_writes = _behind(value.dependencies.gates), -1
            if (cause := seen.stale.get(key)) and cause is not TOO_OLD:
                written = now  # a write of what it stood on, which need not be all of a table
        line = book.call(about, hashed, now, written)
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
        book, started = self.book, time.perf_counter()
        # Before it runs: in autocommit what it touches has gone stale when it returns.
        about = book.know(alias, "write", sql, params is not None)
        if about:
            pending: list[Known] = vars(self.here).setdefault("pending", [])
            pending.append(about)
            del pending[:-MOST_PENDING]
        result = run()
        if about:
            with book.lock:
                book.line(about).loaded((time.perf_counter() - started) * 1000)
        return result

    def went_stale(self, event: Invalidation, **kwargs: Any) -> None:
        """Receiver of `invalidated`: a transaction of this thread's was committed."""
        book, now, tables = self.book, instant(), frozenset(event.tables)
        pending: list[Known] = vars(self.here).pop("pending", [])
        if not tables:
            return  # all of the databases: nobody's pattern to learn from
        did = [about for about in pending if not about.statement.tables.isdisjoint(tables)]
        if not did:  # by hand, or for another table's sake
            statement = Statement("write", tables)
            text = f"invalidate {', '.join(sorted(tables))}"
            did = [Known("", "write", text, "", statement)]
        with book.lock:
            book.add_hits()  # that came before
            for about in did:
                book.line(about).called(0, now, now)
                if about.is_closely():
                    about.locate()
            book.went_stale(tables, now)

    def page_ends(self) -> None:
        """After each request: what was asked again and again; and is it time to share?"""
        book = self.book
        if repeated := page.ends():
            with book.lock:
                book.add_hits()
                for digest, calls in repeated.items():
                    if line := book.ledger.lines.get(digest):
                        line.pages += 1
                        line.in_pages += len(calls)
                        line.sets_in_pages += len(set(calls))
        if time.monotonic() - self.told_at > PAUSE:
            self.told_at = time.monotonic()
            self.background.ensure()

    def asked(self) -> dict[str, tuple[str, int]]:
        """What this request has asked so far: by digest, the statement and how often."""
        lines = self.heard.lines
        with self.book.lock:
            return {
                digest: (lines[digest].text, len(calls))
                for digest, calls in page.asked().items()
                if digest in lines
            }


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
