"""The debug toolbar's panel "Cache-aside": every fetch of a request, and what it made stale."""

from __future__ import annotations

import re
import threading
from typing import Any

from asgiref.local import Local
from debug_toolbar.panels import Panel
from debug_toolbar.panels.sql.utils import reformat_sql
from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator

from .cache import fetched, invalidated
from .cache.signals import Fetch, Invalidation

LONGEST_REASON = 300  # characters; Redis's own errors can be pages long

# What a SELECT asks for is long and says little; what follows tells queries apart.
COLUMNS = re.compile(r"^SELECT .*? FROM", re.S)

# The panel of the request that this thread, or task, serves.
_current = Local()
# Receivers are connected only while a request is watched: without receivers events cost nothing.
_watching = 0
_lock = threading.Lock()


def _hear_fetch(event: Fetch, **kwargs: Any) -> None:
    if panel := getattr(_current, "panel", None):
        panel.fetches.append(event)


def _hear_invalidation(event: Invalidation, **kwargs: Any) -> None:
    if panel := getattr(_current, "panel", None):
        panel.invalidations.append(event)


class CacheAsidePanel(Panel):
    """Its stats are plain JSON: the toolbar stores them and renders them without the request."""

    is_async = True
    nav_title = "Cache-aside"
    template = "planets/panels/cache_aside.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fetches: list[Fetch] = []
        self.invalidations: list[Invalidation] = []
        self.watching = False

    @property
    def title(self) -> str:
        return str(self.get_stats().get("title", "No fetches"))

    @property
    def nav_subtitle(self) -> str:
        return self.title

    def enable_instrumentation(self) -> None:
        global _watching
        _current.panel = self
        if self.watching:
            return
        with _lock:
            self.watching = True
            _watching += 1
            fetched.connect(_hear_fetch, dispatch_uid="cache-aside-panel")
            invalidated.connect(_hear_invalidation, dispatch_uid="cache-aside-panel")

    def disable_instrumentation(self) -> None:
        global _watching
        if getattr(_current, "panel", None) is self:
            del _current.panel
        if not self.watching:
            return
        with _lock:
            self.watching = False
            _watching -= 1
            if not _watching:
                fetched.disconnect(dispatch_uid="cache-aside-panel")
                invalidated.disconnect(dispatch_uid="cache-aside-panel")

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        self.record_stats(summary(self.fetches, self.invalidations))

    def generate_server_timing(self, request: HttpRequest, response: HttpResponse) -> None:
        stats = self.get_stats()
        self.record_server_timing("fetch", stats["title"], stats["ms"])


def summary(fetches: list[Fetch], invalidations: list[Invalidation]) -> dict[str, Any]:
    """What the panel shows, in plain JSON values."""
    hits = [event for event in fetches if event.outcome == "hit"]
    known = [event for event in hits if event.load_ms is not None]
    ms = sum(event.ms for event in fetches)
    return {
        "title": title(fetches, ms),
        "ms": ms,
        "fetches": [_row(event) for event in fetches],
        "invalidations": [event.as_dict() for event in invalidations],
        "hits": len(hits),
        "known": len(known),
        "saved_ms": sum((event.load_ms or 0) - event.ms for event in known),
    }


def title(fetches: list[Fetch], ms: float) -> str:
    """`7 fetches: 6 hits, 1 miss, 2.1 ms`."""
    if not fetches:
        return "No fetches"
    return f"{_count(len(fetches), 'fetch', 'fetches')}: {outcomes(fetches)}, {ms:.1f} ms"


def outcomes(fetches: list[Fetch]) -> str:
    """`6 hits, 1 miss`, the outcomes that there were."""
    words = {
        "hit": ("hit", "hits"),
        "miss": ("miss", "misses"),
        "bypass": ("bypass", "bypasses"),
        "error": ("error", "errors"),
    }
    counts = {word: sum(event.outcome == word for event in fetches) for word in words}
    return ", ".join(_count(count, *words[word]) for word, count in counts.items() if count)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _row(event: Fetch) -> dict[str, Any]:
    row = event.as_dict()
    row["reason"] = Truncator(event.reason).chars(LONGEST_REASON)
    if event.kind == "sql":
        row["html"] = str(reformat_sql(event.sql, with_toggle=False))
        row["gist"] = COLUMNS.sub(r"SELECT … FROM", event.sql, count=1)
    return row
