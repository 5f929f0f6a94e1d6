"""The report: what came of each key of a fetch is counted and told, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .. import stats
from ..events import Fetch, Tier, fetched
from . import memory
from .late import PUNCTUAL
from .lookup import Begun, Found, Loaded, Lookup, Seen

# Who hears of every fetch all that the path knows of it, which events do not tell.
hearers: list[Callable[[Lookup, Seen, Loaded, Begun, str], None]] = []


def report(lookup: Lookup, seen: Seen, loaded: Loaded, begun: Begun, reason: str) -> dict[str, Any]:
    """Count and tell what came of each key: a hit, or the outcome and the reason of a load.

    Returns the values.
    """
    kind, hits, tables = lookup.shelf.kind, seen.hits, lookup.tables
    if not tables:  # of what is computed, its value tells them
        made = next(iter(hits.values())).value if hits else next(iter(loaded.values.values()), None)
        tables = lookup.shelf.tables(lookup, made)
    late = sum(bool(found.late) for found in hits.values()) if lookup.late is not PUNCTUAL else 0
    if late:
        stats.count(kind, "stale", late, tables)
    if len(hits) > late:
        stats.count(kind, "near hit" if begun.tier == "near" else "hit", len(hits) - late, tables)
    values = {key: found.value for key, found in hits.items()}
    if seen.missing:
        stats.count(kind, begun.outcome, len(seen.missing), tables)
        values.update((key, loaded.values[key]) for key in seen.missing)
    if seen.unreadable:
        stats.count(kind, "undecodable", len(seen.unreadable))
    for hear in hearers:
        hear(lookup, seen, loaded, begun, reason)
    if fetched.receivers:
        ms = (time.perf_counter() - begun.started) * 1000 / len(lookup.keys)
        for key in lookup.keys:
            if key in seen.hits:
                found = seen.hits[key]
                event = _hit(lookup, key, found, begun.tier, ms)
            else:
                value = loaded.values[key]
                cause, remembered = _why(key, seen, begun)
                event = Fetch(
                    kind=kind, key=key, sql=lookup.sql,
                    tables=lookup.shelf.tables(lookup, value), records=lookup.shelf.records(value),
                    outcome=begun.outcome, tier="database", ms=ms, reason=reason, cause=cause,
                    memory=remembered, load_ms=loaded.ms,
                )  # fmt: skip
            fetched.send(Lookup, event=event)
    return values


def _why(key: str, seen: Seen, begun: Begun) -> tuple[str, str]:
    """Why there was nothing to serve under a key, and what this process remembers of that."""
    if unreadable := seen.unreadable.get(key):
        return unreadable, ""
    if cause := seen.stale.get(key):
        return cause.told, memory.of_change(cause)
    # Of a bypass, and where Redis is away, nobody has looked.
    return "", memory.of_absence(key) if begun.outcome == "miss" and key else ""


def _hit(lookup: Lookup, key: str, found: Found, tier: Tier, ms: float) -> Fetch:
    return Fetch(
        kind=lookup.shelf.kind,
        key=key,
        sql=lookup.sql,
        tables=lookup.shelf.tables(lookup, found.value),
        records=lookup.shelf.records(found.value),
        outcome="stale" if found.late else "hit",
        tier=tier,
        ms=ms,
        cause=found.late,
        ttl=found.filled - time.time() if found.late else max(0.0, found.expires - time.time()),
        bytes=found.bytes,
        load_ms=found.load_ms or None,
    )
