"""The debug toolbar's panel "Cache-aside": every fetch of a request, and what it made stale."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby, repeat
from typing import Any

from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import Truncator

from ..events import COMPUTED, Fetch
from ..extras import extra
from .account.listener import listener
from .call_site import view
from .marks import marks
from .story import Part, Story, story
from .timeline import Timeline
from .watch import Watch, counted

with extra("toolbar"):
    from debug_toolbar.panels import Panel
    from debug_toolbar.panels.sql.utils import reformat_sql

NOT_STORED = "not stored: "
SHOWN_RECORDS = 12  # of those that a computed entry stands on
LONGEST_REASON = 300  # characters; Redis's own errors can be pages long

# What a SELECT asks for is long and says little; what follows tells queries apart.
COLUMNS = re.compile(r"^SELECT .*? FROM", re.S)


class CacheAsidePanel(Panel):
    """Its stats are plain JSON: the toolbar stores them and renders them without the request."""

    is_async = True
    nav_title = "Cache-aside"
    template = "cache_aside/panel.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watch = Timeline(stacks=True)

    @property
    def title(self) -> str:
        return str(self.get_stats().get("title", "No fetches"))

    @property
    def nav_subtitle(self) -> str:
        return self.title

    def enable_instrumentation(self) -> None:
        self.watch.start()

    def disable_instrumentation(self) -> None:
        self.watch.stop()

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        advised = [mark._asdict() for mark in marks(listener.asked())]
        # The toolbar is shown to developers alone, so it tells parameters, too.
        told = story(self.watch, params=True)
        self.record_stats(
            {**summary(self.watch, told), "advised": advised, "line": [*map(_bar, told.parts)]}
        )

    def generate_server_timing(self, request: HttpRequest, response: HttpResponse) -> None:
        stats = self.get_stats()
        self.record_server_timing("fetch", stats["title"], stats["ms"])


def summary(watch: Watch, told: Story | None = None) -> dict[str, Any]:
    """What the panel shows, in plain JSON values; with its story, what was asked with, too."""
    hits = [event for event in watch.fetches if event.outcome == "hit"]
    known = [event for event in hits if event.load_ms is not None]
    # What was computed took the time of the fetches that were made for it, which count already.
    ms = sum(e.ms for e in watch.fetches if e.outcome == "hit" or e.kind not in COMPUTED)
    saved = sum((event.load_ms or 0) - event.ms for event in known)
    return {
        "title": title(watch, ms),
        "ms": ms,
        "groups": groups(watch, told.parts if told else []),
        "invalidations": [event.as_dict() for event in watch.invalidations],
        "hits": len(hits),
        "known": len(known),
        "judged": judged(len(known), len(hits)),
        "saved_ms": saved,
        "lost_ms": -saved,
    }


def title(watch: Watch, ms: float) -> str:
    """`7 fetches: 6 hits, 1 miss, 2.1 ms`."""
    if not watch.fetches:
        return "No fetches"
    return f"{counted(len(watch.fetches), 'fetch', 'fetches')}: {watch.outcomes}, {ms:.1f} ms"


def judged(known: int, hits: int) -> str:
    """Of which hits it is known what they saved: `this hit`, `these hits`, `2 of the 3 hits`."""
    if known < hits:
        return f"{known} of the {hits} hits"
    return "this hit" if hits == 1 else "these hits"


def groups(watch: Watch, parts: Iterable[Part] = ()) -> list[dict[str, Any]]:
    """The fetches in their order; records that were asked for together are one that opens."""
    stacks = map(_asker, watch.fetches, watch.stacks or repeat(()))
    asked = zip(watch.fetches, stacks, strict=False)
    params = {id(watch.fetches[part.first]): part.params for part in parts if part.fetches}
    found = []
    for _, together in groupby(asked, key=lambda each: _together(*each)):
        members = list(together)
        events = [event for event, _ in members]
        found.append(
            {
                "rows": [_row(event, params.get(id(event), "")) for event in events],
                "stack": list(members[0][1]),
                "outcome": events[0].outcome,
                "tier": events[0].tier,
                "tables": list(events[0].tables),
                "ms": sum(event.ms for event in events),
                "bytes": sum(event.bytes or 0 for event in events),
            }
        )
    return found


def _asker(event: Fetch, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Who asked: the lines of the project; for a page its view, which its middleware asks."""
    if event.kind != "page":
        return lines
    return tuple(filter(None, [view(event.sql.partition("?")[0])]))


def _together(event: Fetch, lines: tuple[str, ...]) -> tuple[Any, ...]:
    """What fetches of one batch have in common: of what is no record, nothing but itself."""
    if event.kind != "record":
        return (id(event),)
    return (event.kind, event.outcome, event.tier, event.tables, event.ms, lines)


def _address(event: Fetch) -> str:
    """Where Admin → Cache shows this entry; "" where there is none, or no such page."""
    if not event.key:
        return ""
    try:
        return reverse("admin:cache_aside_cache_change", args=[quote(event.key)])
    except NoReverseMatch:
        return ""


def _bar(part: Part) -> dict[str, Any]:
    """A line of the time line: what was asked, in a few words, and its steps."""
    keys = [fetch["key"] for fetch in part.fetches]
    names = {
        "record": f"{keys[0]} and {len(keys) - 1} more" if len(keys) > 1 else "".join(keys),
        "trip": "a round trip",
        "sql": _gist(part.sql),
        "statement": _gist(part.sql),
    }
    return {**asdict(part), "name": names.get(part.kind, part.sql), "fetches": []}


def _gist(sql: str) -> str:
    return COLUMNS.sub(r"SELECT … FROM", sql, count=1)


def _row(event: Fetch, params: str) -> dict[str, Any]:
    row = {**event.as_dict(), "params": params}
    row["address"] = _address(event)
    reason = event.reason
    if event.outcome == "miss" and reason and not reason.startswith(NOT_STORED):
        reason = NOT_STORED + reason
    row["reason"] = Truncator(reason).chars(LONGEST_REASON)
    row["cause"] = Truncator(event.cause).chars(LONGEST_REASON)
    row["more_records"] = max(0, len(event.records) - SHOWN_RECORDS)
    row["records"] = row["records"][:SHOWN_RECORDS]
    if event.kind == "sql":
        row["html"] = str(reformat_sql(event.sql, with_toggle=False))
        row["gist"] = _gist(event.sql)
    return row
