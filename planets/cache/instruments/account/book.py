"""The account in the making: a line for each statement, and what is known of it.

A statement is known again by its text, an entry by its key. Hits wait until there are many, and are
then added to their lines at once, which takes less than each by itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from typing import TypeVar

from ...reading.lookup import Lookup
from ...writing.words import Unreadable
from . import known, page, sketch
from .known import Known
from .ledger import Ledger
from .line import Kind, Line
from .runs import SECOND
from .sharing import share

T = TypeVar("T")

TEXTS = 2_048  # of statements that are known by their text
KEYS = 8_192  # of entries that are known by their key


class Book:
    """What this process has heard since it was last shared.

    Who adds to a line holds `lock`. Hits are added to `pages` and `hits` without it. A statement
    that two threads meet at once is known twice, and one of these is forgotten.
    """

    def __init__(self) -> None:
        self.lock, self.sharing = threading.Lock(), threading.Lock()
        self.me = int.from_bytes(os.urandom(sketch.BITS // 8), "big")
        self.waiting = Ledger()  # what is to be shared
        # Hits that are in no line yet, with their times: those of pages, and the others.
        self.pages: list[tuple[Lookup, float]] = []
        self.hits: list[tuple[tuple[Known, int], float]] = []
        self.ledger = self._begun()
        self.epoch = 0  # moves when lines leave the ledger
        self.texts: dict[tuple[str, ...], Known | None] = {}
        self.keys: dict[str, tuple[()] | tuple[Known, int]] = {}
        self.written: dict[str, int] = {}
        self.writes = 0

    @property
    def heard(self) -> Ledger:
        with self.lock:
            self.add_hits()
            return self.ledger

    # --- what is known

    def know(self, alias: str, kind: Kind, sql: str, filled_in: bool) -> Known | None:
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

    def meet(self, lookup: Lookup, key: str) -> tuple[()] | tuple[Known, int]:
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

    # --- lines

    def line(self, about: Known) -> Line:
        """That of a statement."""
        if about.epoch != self.epoch:
            line = self.ledger.lines.get(about.digest)
            if line is None:
                line = about.new_line()
                self.epoch += self.ledger.place(about.digest, line)
            about.line, about.epoch = line, self.epoch
        return about.line

    def call(self, about: Known, key: int, now: int, written: int | None = None) -> Line:
        """Add a call of a key to its line; `written`: when what it reads was, None: its tables."""
        line = self.line(about)
        line.called(key, now, self._last_write(about) if written is None else written)
        if about.kind != "page":
            page.asks(about.digest, key)
        return line

    def went_stale(self, tables: Iterable[str], at: int) -> None:
        """These tables were written."""
        for table in tables:
            self.written[table] = at
        self.writes += 1

    def _last_write(self, about: Known) -> int:
        """When its tables were written last, as far as was heard here."""
        if about.seen_writes != self.writes:
            about.seen_writes = self.writes
            about.written = max((self.written.get(table, 0) for table in about.tables), default=0)
        return about.written

    def add_hits(self) -> None:
        """To their lines, many at once: that takes less than each by itself."""
        met = ((self.meet(lookup, lookup.keys[0]), at) for lookup, at in _taken(self.pages))
        pages = [(one, at) for one, at in met if one]
        for (about, key), at in [*_taken(self.hits), *pages]:
            line = about.line if about.epoch == self.epoch else self.line(about)
            line.hits += 1
            # Not each write of a table is one of what something was computed from.
            written = 0 if about.is_computed else self._last_write(about)
            line.called(key, int(at * SECOND), written)

    # --- sharing

    def _begun(self) -> Ledger:
        return Ledger(began=instant(), tellers=[self.me])

    def tell(self) -> bool:
        """Share what was heard; what Redis does not take waits. True where all is told."""
        with self.sharing:
            with self.lock:
                self.add_hits()
                heard, self.ledger = self.ledger, self._begun()
                self.epoch += 1
            heard.ended = instant()
            self.waiting.merge(heard)
            if not share(self.waiting):
                return False
            self.waiting = Ledger()
            return True


def instant() -> int:
    """This moment, as runs count them."""
    return int(time.time() * SECOND)


def _taken(waiting: list[T]) -> list[T]:
    """All of these, and out; another thread may add some meanwhile."""
    count = len(waiting)
    taken = waiting[:count]
    del waiting[:count]
    return taken
