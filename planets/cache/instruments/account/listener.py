"""What this process hears of its own statements, until it is shared.

Plain SELECTs and writes are heard where every statement of Django's passes, fetches where the read
path reports them. A statement that a fetch runs to load is the fetch's. Writes count when what they
touched goes stale, that is after COMMIT, for then entries go.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import connections

from ...conf import conf
from ...events import COMPUTED, Invalidation, invalidated
from ...reading import path
from ...reading.lookup import Loaded, Lookup, Seen
from ...storage.background import Background
from ...writing import observer, reader
from ...writing.statement import Statement
from ...writing.words import Unreadable
from ..call_site import caller
from . import sample, sketch
from .gist import gist
from .known import Known
from .ledger import Ledger
from .line import SITES, Kind, Line
from .runs import SECOND
from .sharing import share

PAUSE = 30.0  # seconds between two additions to the shared account
TEXTS = 2_048  # of statements that are known by their text
MOST_PENDING = 100  # writes of one transaction
MOST_IN_PAGE = 1_000  # calls of one statement

# What the request that is served here has asked: digest to the hashes of parameters.
_page: ContextVar[dict[str, list[int]] | None] = ContextVar("cache_aside_page", default=None)


class Listener:
    """The account of this process since it was last shared."""

    def __init__(self) -> None:
        self.background = Background("cache-aside account", self.work)
        self.on = False
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a child does: what the parent heard is the parent's to share."""
        self.lock, self.sharing = threading.Lock(), threading.Lock()
        self.waiting = Ledger()  # what is to be shared
        self.heard = Ledger(began=_now())
        self.told_at = time.monotonic()
        self.known: dict[tuple[str, str], Known | None] = {}
        self.written: dict[str, int] = {}
        self.here = threading.local()
        self.background.renew()

    def start(self) -> None:
        """Hear, from now on."""
        if self.on:
            return
        self.on = True
        observer.witnesses.append(self.ran)
        path.hearers.append(self.fetched)
        invalidated.connect(self.went_stale, dispatch_uid="account")
        request_started.connect(self.page_begins, dispatch_uid="account")
        request_finished.connect(self.page_ends, dispatch_uid="account")

    def stop(self) -> None:
        if not self.on:
            return
        self.on = False
        observer.witnesses.remove(self.ran)
        path.hearers.remove(self.fetched)
        invalidated.disconnect(dispatch_uid="account")
        request_started.disconnect(dispatch_uid="account")
        request_finished.disconnect(dispatch_uid="account")

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
            return self._writes(alias, statement, sql, params, run)
        if statement.kind != "read" or path.loading.get() is not None:
            return run()
        started = time.perf_counter()
        result = run()
        ms = (time.perf_counter() - started) * 1000
        if known := self._know(alias, "sql", sql, params is not None):
            rows = max(getattr(cursor, "rowcount", 0), 0)
            size = rows * _width(cursor)
            with self.lock:
                line = self._call(alias, known, sketch.hash_of((known.salt, params)))
                line.loaded(ms, rows)
                line.sizes += bool(size)
                line.bytes += size
        return result

    def fetched(
        self, lookup: Lookup, seen: Seen, loaded: Loaded, begun: path.Begun, reason: str
    ) -> None:
        """A fetch has come to its end."""
        if lookup.shelf.kind in COMPUTED or (loaded.values and loaded.ms is None):
            return  # what it was computed from is heard, and so is what it left to others to ask
        kind: Kind = "record" if lookup.shelf.kind == "record" else "sql"
        known = self._know(lookup.alias, kind, lookup.sql, True, lookup.tables)
        if known is None:
            return
        ms = (time.perf_counter() - begun.started) * 1000 / len(lookup.keys)
        with self.lock:
            for key in lookup.keys:
                line = self._call(lookup.alias, known, sketch.hash_of(key))
                line.ttl = float(lookup.ttl or conf().TTL) if not lookup.expire_at else 0.0
                if found := seen.hits.get(key):
                    line.hits += 1
                    sample.add(line.hit_sample, line.hits, ms)
                    line.sizes += 1
                    line.bytes += found.bytes
                    continue
                rows = len(value) if isinstance(value := loaded.values.get(key), list) else 1
                if begun.outcome == "miss":
                    line.misses += 1
                    line.waits += begun.claimed.waits
                    line.thrown_away += bool(reason)
                    line.too_large += "MAX_BYTES" in reason
                    if loaded.ms is not None:
                        sample.add(line.overhead_sample, line.misses, max(0.0, ms - loaded.ms))
                else:
                    line.bypasses += 1
                if loaded.ms is not None:
                    line.loaded(loaded.ms, rows)

    def _writes(
        self, alias: str, statement: Statement, sql: str, params: Any, run: Callable[[], Any]
    ) -> Any:
        started = time.perf_counter()
        # Before it runs: in autocommit what it touches has gone stale when it returns.
        known = self._know(alias, "write", sql, params is not None)
        if known:
            pending: list[tuple[str, Known]] = vars(self.here).setdefault("pending", [])
            pending.append((alias, known))
            del pending[:-MOST_PENDING]
        result = run()
        if known:
            with self.lock:
                line = self._line(alias, known)
                line.loaded((time.perf_counter() - started) * 1000, 0)
        return result

    def went_stale(self, event: Invalidation, **kwargs: Any) -> None:
        """Receiver of `invalidated`: a transaction of this thread's was committed."""
        now, tables = _now(), frozenset(event.tables)
        pending: list[tuple[str, Known]] = vars(self.here).pop("pending", [])
        if not tables:
            return  # all of the databases: nobody's pattern to learn from
        did = [p for p in pending if not p[1].statement.tables.isdisjoint(tables)]
        if not did:  # by hand, or for another table's sake
            statement = Statement("write", tables)
            text = f"invalidate {', '.join(sorted(tables))}"
            did = [("", Known("", "write", text, "", statement))]
        with self.lock:
            for alias, known in did:
                line = self._line(alias, known)
                line.called(0, now, now)
                self._locate(line)
            for table in tables:
                self.written[table] = now

    def page_begins(self, **kwargs: Any) -> None:
        """Receiver of request_started."""
        _page.set({})

    def page_ends(self, **kwargs: Any) -> None:
        """Receiver of request_finished: what was asked again and again; and is it time to share?"""
        asked = _page.get()
        _page.set(None)
        if repeated := {name: calls for name, calls in (asked or {}).items() if len(calls) > 1}:
            self._repeated(repeated)
        if time.monotonic() - self.told_at > PAUSE:
            self.told_at = time.monotonic()
            self.background.ensure()

    def _repeated(self, repeated: dict[str, list[int]]) -> None:
        with self.lock:
            for digest, calls in repeated.items():
                if line := self.heard.lines.get(digest):
                    line.pages += 1
                    line.in_pages += len(calls)
                    line.sets_in_pages += len(set(calls))

    def asked(self) -> dict[str, tuple[str, int]]:
        """What this request has asked so far: by digest, the statement and how often."""
        with self.lock:
            lines = self.heard.lines
            return {
                digest: (lines[digest].text, len(calls))
                for digest, calls in (_page.get() or {}).items()
                if digest in lines
            }

    # --- lines

    def _know(
        self, alias: str, kind: Kind, sql: str, filled_in: bool, tables: tuple[str, ...] = ()
    ) -> Known | None:
        """None for what cannot be told without its values."""
        name = (alias, sql)
        try:
            return self.known[name]
        except KeyError:
            if len(self.known) >= TEXTS:
                self.known.clear()
        known: Known | None
        try:
            if kind == "record":
                statement = Statement("read", frozenset(tables))
                known = Known(alias, kind, f"records of {tables[0]}", "", statement)
            else:
                vendor = connections[alias].vendor
                statement = reader.read(vendor, sql, filled_in)
                known = Known(alias, kind, gist(vendor, sql, filled_in), sql, statement)
        except Unreadable:
            known = None
        self.known[name] = known
        return known

    def _line(self, alias: str, known: Known) -> Line:
        line = self.heard.lines.get(known.digest)
        if line is None:
            line = Line(known.kind, known.text, known.tables, alias, known.statement.doubt)
            self.heard.place(known.digest, line)
        return line

    def _call(self, alias: str, known: Known, key: int) -> Line:
        line = self._line(alias, known)
        written = max([self.written.get(table, 0) for table in line.tables], default=0)
        line.called(key, _now(), written)
        self._locate(line)
        asked = _page.get()
        if asked is not None and len(calls := asked.setdefault(known.digest, [])) < MOST_IN_PAGE:
            calls.append(key)
        return line

    def _locate(self, line: Line) -> None:
        """Now and then, for to walk up the stack takes longer than all else."""
        if line.calls & (line.calls - 1) and line.calls % 64:
            return
        if (site := caller()) and (site in line.sites or len(line.sites) < SITES):
            line.sites[site] = line.sites.get(site, 0) + 1

    # --- sharing

    def work(self) -> None:
        """What the thread does."""
        self.tell()

    def tell(self) -> bool:
        """Share what was heard; what Redis does not take waits. True where all is told."""
        with self.sharing:
            with self.lock:
                heard, self.heard = self.heard, Ledger(began=_now())
            heard.ended = _now()
            self.waiting.merge(heard)
            if not share(self.waiting):
                return False
            self.waiting = Ledger()
            return True


def _now() -> int:
    return int(time.time() * SECOND)


def _width(cursor: Any) -> int:
    """Bytes of a row, at most: MySQL's driver knows the longest value of each column."""
    described = getattr(cursor, "description", None) or ()
    return sum(column[2] or 0 for column in described)


listener = Listener()
os.register_at_fork(after_in_child=listener.renew)
