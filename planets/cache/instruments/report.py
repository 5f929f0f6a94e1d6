"""The cache in lines of text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlparse

from .inspection import Opened
from .keyspace import Key, Sample
from .overview import Overview
from .server import Server
from .standing import Standing
from .wording import share, size, span

Row = Sequence[str]
UNKNOWN = "unknown"


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
    up = "" if server.uptime is None else f", up {span(server.uptime)}"
    now, hour = share(found.ratio_now), share(found.ratio_hour)
    ratio = f"{now} in the last 5 minutes, {hour} in the last hour"
    rows = [
        ("Server", named(server) + up),
        ("Memory", memory(server)),
        ("When full", server.policy or UNKNOWN),
        ("Hit ratio", ratio if found.minutes else UNKNOWN),
        ("Besides", f"{found.bypasses} bypasses and {found.errors} errors in the last hour"),
        ("Gates", gates(found.gates)),
        *(("Watcher", state.words()) for state in found.watchers.values()),
        *(("Unknown", line) for line in found.unknown),
    ]
    yield from table([row for row in rows if found.minutes or row[0] != "Besides"])
    if server.parts:
        yield ""
        yield from nodes(server)
    yield ""
    if sample.listed:
        rows3 = [("KIND", "KEYS", "SIZE")]
        rows3 += [
            (kind.kind, f"{kind.count:,}", "" if kind.kind == "other" else size(kind.bytes))
            for kind in sample.kinds()
        ]
        yield from table(rows3, right=(1, 2))
    yield sample_of(sample)
    for title, listed in (
        ("Hottest" if sample.counts_accesses else "Most recently used", found.hottest[:5]),
        ("Largest", found.largest[:5]),
    ):
        if listed:
            yield ""
            yield title
            yield from keys(listed)


def named(server: Server) -> str:
    """Which server it is, or how many."""
    cluster = f", a cluster of {server.nodes}" if server.parts else ""
    return f"{server.name} {server.version or 'of an unknown version'}{cluster}"


def total_of(sample: Sample) -> str:
    """How many keys there are."""
    return "an unknown number of" if sample.total is None else f"{sample.total:,}"


def gates(found: Sequence[Standing] | None) -> str:
    if found is None:
        return UNKNOWN
    return ", ".join(f"{gate.table} {gate.state}" for gate in found) or "none"


def nodes(server: Server) -> Iterator[str]:
    """A line for each node of a cluster."""
    rows = [("NODE", "VERSION", "MEMORY", "WHEN FULL", "KEYS", "UP")]
    rows += [
        (
            part.address,
            part.version or (UNKNOWN if part.answers else "away"),
            memory(part),
            part.policy or UNKNOWN,
            UNKNOWN if part.keys is None else f"{part.keys:,}",
            UNKNOWN if part.uptime is None else span(part.uptime),
        )
        for part in server.parts
    ]
    return table(rows, right=(4, 5))


def sample_of(sample: Sample) -> str:
    """Of how many keys the lists are."""
    total = total_of(sample)
    if sample.complete:
        return f"All {sample.size:,} keys."
    if not sample.listed:
        return f"Of {total} keys none is listed."
    return f"A sample of {sample.size:,} of {total} keys; so are the lists below."


def memory(server: Server) -> str:
    if server.memory is None or server.max_memory is None:
        return size(server.memory)
    limit = f" of {size(server.max_memory)} ({share(server.memory_share)})"
    return size(server.memory) + (limit if server.max_memory else ", no limit")


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
