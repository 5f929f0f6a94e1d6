"""Whether the fetches of a test were hits, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..events import Fetch, fetched

LONGEST_SQL = 160  # characters of a statement, in an error


@contextmanager
def fetches() -> Iterator[list[Fetch]]:
    """The fetches of this process while it lasts, by whatever thread."""
    heard: list[Fetch] = []

    def hear(event: Fetch, **kwargs: Any) -> None:
        heard.append(event)

    fetched.connect(hear)
    try:
        yield heard
    finally:
        fetched.disconnect(hear)


@contextmanager
def assert_cached() -> Iterator[list[Fetch]]:
    """Every fetch within was a hit, and there was one. Raises AssertionError."""
    with fetches() as heard:
        yield heard
    missed = sum(event.outcome != "hit" for event in heard)
    _fail_if(missed, "not served from the cache", heard)


@contextmanager
def assert_not_cached() -> Iterator[list[Fetch]]:
    """No fetch within was a hit, and there was one. Raises AssertionError."""
    with fetches() as heard:
        yield heard
    hits = sum(event.outcome == "hit" for event in heard)
    _fail_if(hits, "served from the cache", heard)


def _fail_if(wrong: int, what: str, heard: list[Fetch]) -> None:
    if not heard:
        raise AssertionError("Nothing was fetched, so nothing is shown: was .cached() forgotten?")
    if wrong:
        lines = [f"{wrong} of {len(heard)} fetches {'was' if wrong == 1 else 'were'} {what}:"]
        raise AssertionError("\n  ".join([*lines, *map(line, heard)]))


def line(event: Fetch) -> str:
    """`miss    sql:9f3c... SELECT ...` and the reason, where there is one."""
    sql = event.sql if len(event.sql) <= LONGEST_SQL else event.sql[:LONGEST_SQL] + "..."
    told = f"{event.outcome:<7} {event.key}" + (f"  {sql}" if event.kind == "sql" else "")
    return f"{told}\n          {event.reason}" if event.reason else told
