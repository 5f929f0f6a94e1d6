"""The cache in lines of text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlparse

from .inspection import Opened
from .keyspace import Key
from .overview import Overview
from .wording import share, size, span

Row = Sequence[str]


def table(rows: Sequence[Row], *, right: Sequence[int] = ()) -> Iterator[str]:
    """Rows in columns, two spaces apart; those numbered in `right` end flush."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def keys(found: Sequence[Key]) -> Iterator[str]:
    rows = [("KEY", "KIND", "SIZE", "TTL LEFT", "USED", "WHAT")]
    rows += [
        (key.name, key.kind, size(key.bytes), span(key.ttl), _used(key), key.what) for key in found
    ]
    return table(rows, right=(2, 3, 4))


def _used(key: Key) -> str:
    if key.frequency is not None:
        return f"frequency {key.frequency}"
    return "unknown" if key.idle is None else f"{span(key.idle)} ago"


def overview(found: Overview) -> Iterator[str]:
    server, sample = found.server, found.sample
    limit = f" of {size(server.max_memory)} ({share(server.memory_share)})"
    yield from table(
        [
            ("Server", f"{server.name} {server.version}, up {span(server.uptime)}"),
            ("Memory", size(server.memory) + (limit if server.max_memory else ", no limit")),
            ("When full", server.policy),
            (
                "Hit ratio",
                f"{share(found.ratio_now)} in the last 5 minutes, "
                f"{share(found.ratio_hour)} in the last hour",
            ),
            ("Besides", f"{found.bypasses} bypasses and {found.errors} errors in the last hour"),
            ("Gates", ", ".join(f"{gate.table} {gate.state}" for gate in found.gates) or "none"),
            *(("Watcher", state.words()) for state in found.watchers.values()),
        ]
    )
    yield ""
    rows = [("KIND", "KEYS", "SIZE")]
    rows += [
        (kind.kind, f"{kind.count:,}", "" if kind.bytes is None else size(kind.bytes))
        for kind in sample.kinds()
    ]
    yield from table(rows, right=(1, 2))
    yield (
        f"All {sample.total:,} keys."
        if sample.complete
        else f"A sample of {sample.size:,} of {sample.total:,} keys; so are the lists below."
    )
    if sample.entries:
        yield ""
        yield "Hottest" if sample.counts_accesses else "Most recently used"
        yield from keys(found.hottest[:5])
        yield ""
        yield "Largest"
        yield from keys(found.largest[:5])


def opened(found: Opened) -> Iterator[str]:
    key, content = found.key, found.content
    rows = [
        ("Key", key.name),
        ("Kind", f"{key.kind}, a {key.type}"),
        ("State", f"{content.state}. {content.why}" if content.state else content.why),
        ("TTL left", span(key.ttl)),
        ("Size", size(key.bytes)),
        ("Used", _used(key)),
        ("Name", content.name),
        ("Tables", ", ".join(content.tables)),
        ("Load", f"{content.load_ms:.1f} ms" if content.load_ms else ""),
    ]
    yield from table([row for row in rows if row[1]])
    if content.sql:
        yield ""
        yield from sqlparse.format(content.sql, reindent=True).splitlines()
    if content.row_count is not None:
        yield ""
        shown = f", of which {len(content.rows)} are shown" if content.shortened else ""
        yield f"{content.row_count} rows{shown}"
        named = [list(content.columns)] if content.columns else []
        yield from (" | ".join(row) for row in [*named, *content.rows])
    if content.stands_on:
        yield ""
        grounds = [(g.name, g.what, g.changed or "unchanged") for g in content.stands_on]
        yield from table([("STANDS ON", "WHICH IS", "SINCE THEN"), *grounds])
    if content.fields:
        yield ""
        yield from table(list(content.fields.items()))
    if content.text:
        yield ""
        yield content.text
