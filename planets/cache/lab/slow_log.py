"""MySQL's and MariaDB's slow query log as an account. With long_query_time=0 it has everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..instruments.account import sketch
from ..instruments.account.gist import gist
from ..instruments.account.known import Known
from ..instruments.account.ledger import Ledger
from ..instruments.account.line import Kind, Line
from ..instruments.account.runs import SECOND
from ..writing import reader
from ..writing.words import Unreadable
from .evidence import Scan

FIGURES = re.compile(
    r"# Query_time: (?P<seconds>[\d.]+)\s.*?Rows_sent: (?P<sent>\d+)\s+Rows_examined: (?P<read>\d+)"
)
MOMENT = re.compile(r"SET timestamp=(\d+)(?:\.(\d+))?;", re.I)
STEP = SECOND // 1000
PREFACE = re.compile(r"use [^;]+;", re.I)


class Entry(NamedTuple):
    at: int  # Unix time, in microseconds
    seconds: float
    sent: int
    examined: int
    sql: str


class SlowLog(NamedTuple):
    """An account, what the server read for each line of it, and how much was not understood."""

    ledger: Ledger
    scans: dict[str, Scan]
    skipped: int


def read(lines: Iterable[str]) -> SlowLog:
    """Of tables as the log names them; of values only hashes are kept."""
    ledger, scans, skipped = Ledger(), dict[str, Scan](), 0
    written: dict[str, int] = {}
    for entry in entries(lines):
        try:
            known = _known(entry.sql)
        except Unreadable:
            skipped += 1
            continue
        if known is None:
            continue
        ledger.began = ledger.began or entry.at
        ledger.ended = entry.at
        line = ledger.lines.get(known.digest)
        if line is None:
            line = Line(known.kind, known.text, known.tables, doubt=known.statement.doubt)
            ledger.place(known.digest, line)
        if known.kind == "write":
            line.called(0, entry.at, entry.at)
            written.update(dict.fromkeys(known.tables, entry.at))
            continue
        last = max((written.get(table, 0) for table in known.tables), default=0)
        line.called(sketch.hash_of(entry.sql), entry.at, last)
        line.loaded(entry.seconds * 1000)
        line.looked(entry.sent)
        more = Scan(1, entry.examined, entry.sent, entry.seconds)
        scans[known.digest] = scans.get(known.digest, Scan()).plus(more)
    return SlowLog(ledger, scans, skipped)


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """The log tells whole seconds, so those of one second follow each other in ms."""
    figures: re.Match[str] | None = None
    text: list[str] = []
    last = 0

    def entry() -> Entry | None:
        nonlocal last
        if figures is None:
            return None
        sql = " ".join(text)
        moment = MOMENT.search(sql)
        last = max(int(moment[1]) * SECOND if moment else last, last + STEP)
        sql = PREFACE.sub("", MOMENT.sub("", sql), count=1).strip().rstrip(";")
        return Entry(
            last, float(figures["seconds"]), int(figures["sent"]), int(figures["read"]), sql
        )

    for line in lines:
        if not line.startswith("#"):
            text.append(line.rstrip("\n"))
        elif found := FIGURES.match(line):
            if made := entry():
                yield made
            figures, text = found, []
    if made := entry():
        yield made


def _known(sql: str) -> Known | None:
    """None for what neither reads nor writes. Raises Unreadable."""
    statement = reader.read("mysql", sql, False)
    if statement.kind not in ("read", "write") or not statement.tables:
        return None
    kind: Kind = "write" if statement.kind == "write" else "sql"
    return Known("", kind, gist("mysql", sql, False), sql, statement)
