"""A read, done in each of the ways that there are, and what came of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections

from planets.cache import disabled
from planets.cache.events import Fetch, fetched
from planets.cache.orm.steps import step_of

from .comparison import differences, shared

Way = Literal["plain", "cached"]

# How whatever is read meanwhile is to be read; None: it is to be judged.
way: ContextVar[Way | None] = ContextVar("judge_way", default=None)
_heard: ContextVar[list[Fetch] | None] = ContextVar("judge_heard", default=None)

Read = Callable[[Any], Any]

counts: Counter[str] = Counter()
bypasses: Counter[str] = Counter()
found: list[dict[str, str]] = []  # differences
test = ""  # the one that runs


@dataclass
class Result:
    """What a read gave or raised, and the fetches that it was made of."""

    value: Any
    raised: BaseException | None
    fetches: list[Fetch]

    @property
    def told(self) -> Any:
        return self.value if self.raised is None else self.raised

    @property
    def kept(self) -> bool:
        """Whether all that it fetched is stored now."""
        return all(
            event.outcome == "hit" or (event.outcome == "miss" and not event.reason)
            for event in self.fetches
        )


def _hear(event: Fetch, **kwargs: Any) -> None:
    if (heard := _heard.get()) is not None:
        heard.append(event)


def judge(queryset: Any, read: Read, plain: Read) -> Any:
    """What `read` gives of the queryset, after all ways of reading have given the same.

    `plain` makes the queryset one that Django reads by itself.
    """
    counts["reads"] += 1
    # Whoever asks for its query leaves the step that it is at.
    here = [queryset.all() for _ in range(2)] if step_of(queryset) else []
    by_django = _do("plain", plain(queryset._chain()), read)
    with _unlogged():
        results = _ways(queryset, here, read)
        _count(results)
        told = _told(by_django, results)
        if told and _changes(queryset, read, plain, by_django):
            stored = any(f.outcome == "hit" for result in results.values() for f in result.fetches)
            counts["reads that change by themselves"] += 1
            told = ["what changes by itself was cached"] if stored and not _in_threads() else []
        for difference in told:
            sql = next((f.sql for f in results["missed"].fetches), "")
            found.append({"test": test, "difference": difference, "sql": sql})
    hit = results["hit"]
    if hit.raised is not None:
        raise hit.raised
    return hit.value


def _ways(queryset: Any, here: list[Any], read: Read) -> dict[str, Result]:
    kept = queryset._chain()
    counts["reads at a step"] += bool(here)
    return {
        "missed": _do("cached", queryset._chain(), read),
        "hit": _do("cached", kept.all(), read),  # leaves its plan with `kept`, where it has one
        "planned": _do("cached", kept.all(), read),
        **{f"at its step {n}": _do("cached", one, read) for n, one in enumerate(here)},
    }


def _do(how: Way, queryset: Any, read: Read) -> Result:
    fetches: list[Fetch] = []
    tokens = way.set(how), _heard.set(fetches)
    value, raised = None, None
    try:
        if how == "plain":
            with disabled():
                value = read(queryset)
        else:
            value = read(queryset)
    except Exception as error:
        raised = error
    finally:
        way.reset(tokens[0])
        _heard.reset(tokens[1])
    return Result(value, raised, fetches)


def _count(results: dict[str, Result]) -> None:
    for name, result in results.items():
        for event in result.fetches:
            counts[f"{name}: {event.outcome}"] += 1
            if event.outcome in ("bypass", "error") or event.reason:
                bypasses[event.reason] += 1
    if not results["missed"].fetches:
        counts["reads that ask for nothing"] += 1
    elif results["missed"].kept and any(f.outcome != "hit" for f in results["hit"].fetches):
        counts["reads that were stored and missed again"] += 1


def _told(by_django: Result, results: dict[str, Result]) -> list[str]:
    """The differences, in words."""
    told = [
        f"{name}: {difference}"
        for name, result in results.items()
        for difference in differences(by_django.told, result.told)
    ]
    hit, planned = results["hit"].told, results["planned"].told
    always = shared(by_django.told, planned)
    return told + [
        f"two hits share what can be changed, at {place}"
        for number, place in shared(hit, planned).items()
        if number not in always
    ]


def _changes(queryset: Any, read: Read, plain: Read, before: Result) -> bool:
    """Whether Django alone does not give the same twice."""
    again = _do("plain", plain(queryset._chain()), read)
    return bool(differences(before.told, again.told))


def _in_threads() -> bool:
    return threading.active_count() > 1


@contextmanager
def _unlogged() -> Iterator[None]:
    """What runs within is no query of the test's, and it may count its own."""
    logs = [(c.queries_log, len(c.queries_log)) for c in connections.all(initialized_only=True)]
    try:
        yield
    finally:
        for log, length in logs:
            while len(log) > length:
                log.pop()


fetched.connect(_hear)
