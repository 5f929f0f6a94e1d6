"""Hearing what the cache does while one request is served: for the toolbar and the header."""

from __future__ import annotations

import os
import threading
from typing import Any, Self

from asgiref.local import Local

from .. import fetched, invalidated
from ..events import Fetch, Invalidation
from .call_site import stack

# The watches of the request that this thread, or task, serves.
_current = Local()
# Receivers are connected only while there are watches: without receivers events cost nothing.
_watches = 0
_lock = threading.Lock()


class Watch:
    """What was fetched and invalidated between start() and stop(), in this thread or task."""

    def __init__(self, *, stacks: bool = False) -> None:
        """`stacks`: of each fetch it is noted, too, which lines of the project asked for it."""
        self.fetches: list[Fetch] = []
        self.stacks: list[tuple[str, ...]] | None = [] if stacks else None
        self.invalidations: list[Invalidation] = []
        self.on = False

    def start(self) -> None:
        """To start what is on, or to stop what is off, does nothing."""
        global _watches
        if self.on:
            return
        self.on = True
        _current.watches = (*here(), self)
        with _lock:
            _watches += 1
            fetched.connect(_hear_fetch, weak=False, dispatch_uid="watch")
            invalidated.connect(_hear_invalidation, weak=False, dispatch_uid="watch")

    def stop(self) -> None:
        global _watches
        if not self.on:
            return
        self.on = False
        _current.watches = tuple(watch for watch in here() if watch is not self)
        with _lock:
            _watches -= 1
            if not _watches:
                fetched.disconnect(dispatch_uid="watch")
                invalidated.disconnect(dispatch_uid="watch")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def outcomes(self) -> str:
        """`6 hits, 1 miss`: the outcomes that there were."""
        words = {
            "hit": ("hit", "hits"),
            "miss": ("miss", "misses"),
            "stale": ("stale", "stale"),
            "bypass": ("bypass", "bypasses"),
            "error": ("error", "errors"),
        }
        counts = {word: sum(e.outcome == word for e in self.fetches) for word in words}
        return ", ".join(counted(count, *words[word]) for word, count in counts.items() if count)


def counted(number: int, one: str, many: str) -> str:
    """`1 hit`, `2 hits`."""
    return f"{number} {one if number == 1 else many}"


def here() -> tuple[Watch, ...]:
    """The watches that hear of what this thread or task does."""
    return getattr(_current, "watches", ())


def _hear_fetch(event: Fetch, **kwargs: Any) -> None:
    for watch in here():
        watch.fetches.append(event)
        if watch.stacks is not None:
            watch.stacks.append(stack())


def _hear_invalidation(event: Invalidation, **kwargs: Any) -> None:
    for watch in here():
        watch.invalidations.append(event)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent's may be held, by a thread that is not here


os.register_at_fork(after_in_child=_after_fork)
