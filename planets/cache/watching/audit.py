"""Writes of which the layer has not heard: what would have been stale without a watcher."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from .assembly import Assembly
from .position import Position
from .schema import Schema
from .source import Source
from .stream import Stream

VALUES = re.compile(r"'(?:[^'\\]|\\.|'')*'|\b\d+(?:\.\d+)?\b")
LISTS = re.compile(r"\?(?:, ?\?)+")
MOST = 10_000  # kinds of writes that are told apart
USER = "SELECT USER FROM information_schema.PROCESSLIST WHERE ID = %s"


class Kind(NamedTuple):
    table: str
    sql: str  # without its values
    user: str  # "" where not known


class Audit:
    """Follows the binlog from its end on and invalidates nothing."""

    def __init__(self, source: Source, databases: Mapping[str, str]) -> None:
        self.source, self.databases = source, databases
        self.stopping = threading.Event()
        self.outside: Counter[Kind] = Counter()
        self.ours = 0

    def run(self, seconds: float | None) -> None:
        """For so long, or until `stopping` is set; what was committed before then is judged.

        Raises what Stream.hear() raises.
        """
        until = time.monotonic() + seconds if seconds else None
        start = self.source.end()
        assembly = Assembly(Schema(self.source), self.databases)
        with closing(Stream(self.source, start, assembly)) as stream:
            end: Position | None = None
            while end is None or stream.at.place < end.place:
                if not end and (self.stopping.is_set() or (until and time.monotonic() > until)):
                    end = self.source.end()
                if change := stream.hear():
                    self._judge(change.writes, change.thread)

    def _judge(self, writes: Mapping[Any, int], thread: int) -> None:
        for write, number in writes.items():
            if write.ours:
                self.ours += number
                continue
            kind = Kind(write.table, shape(write.sql), self._user(thread))
            if kind in self.outside or len(self.outside) < MOST:
                self.outside[kind] += number

    def _user(self, thread: int) -> str:
        """Who it is, where the binlog tells the connection, and the connection lasts."""
        rows = self.source.ask(USER, [thread]) if thread else []
        return str(rows[0][0]) if rows else ""

    def as_dict(self) -> dict[str, Any]:
        found = [{**kind._asdict(), "writes": n} for kind, n in self.outside.most_common()]
        return {"ours": self.ours, "outside": found}

    def lines(self) -> Iterator[str]:
        total = sum(self.outside.values())
        yield f"{self.ours} writes of the application, {total} from outside of it."
        for kind, number in self.outside.most_common():
            by = f" by {kind.user}" if kind.user else ""
            yield f"{number:>8}  {kind.table}{by}: {kind.sql or 'its statement is not known'}"


def shape(sql: str) -> str:
    """A statement without its values, on one line."""
    return LISTS.sub("?, ...", VALUES.sub("?", " ".join(sql.split())))
