"""What was fetched in each of the last minutes, by all processes together.

Each process adds what it has counted to the hash of the minute, at the end of a request and at most
once in HISTORY seconds: one round trip that no fetch waits for. So the counts are those of the web
processes; what the last requests before a quiet spell fetched is told with the next one.

The same hash has what became of the fetches and writes of each table: `hit:city` beside `hit`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from .. import stats
from ..conf import conf
from ..events import Kind
from ..storage import keys
from ..storage.client import client
from ..storage.errors import FAILURES, Unavailable
from . import feed
from .nodes import asking

MINUTES = 60
OUTCOMES = ("hit", "miss", "stale", "bypass", "error")
OF_TABLES = (*OUTCOMES, "written", "invalidated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Fetches of one minute, by outcome."""

    start: datetime
    hits: int = 0
    misses: int = 0
    stale: int = 0  # served late, to who accepts that
    bypasses: int = 0
    errors: int = 0
    # By table and one of OF_TABLES. A fetch that reads two tables counts for each of them.
    of_tables: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def fetches(self) -> int:
        return self.hits + self.misses + self.stale + self.bypasses + self.errors

    @property
    def asked(self) -> int:
        """Fetches that looked in Redis and were answered."""
        return self.hits + self.misses + self.stale

    def as_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "hits": self.hits,
            "misses": self.misses,
            "stale": self.stale,
            "bypasses": self.bypasses,
            "errors": self.errors,
        }


def seconds(minutes: Sequence[Minute]) -> float:
    """How long these minutes have lasted so far: the current one has not ended."""
    if not minutes:
        return 0.0
    now = datetime.now(tz=UTC)
    return sum(min(60.0, max(1.0, (now - minute.start).total_seconds())) for minute in minutes)


def ratio(minutes: Sequence[Minute]) -> float | None:
    """Hits of all fetches that looked in Redis and were answered; None where there were none."""
    hits = sum(minute.hits for minute in minutes)
    asked = sum(minute.asked for minute in minutes)
    return hits / asked if asked else None


class Teller:
    """What this process has told so far."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told = counted()
        self.told_of_tables = of_tables()
        self.told_at = time.monotonic()

    def tell(self) -> None:
        """Add what is new to the current minute; while Redis is away it waits."""
        feed.tell()
        now, now_of_tables = counted(), of_tables()
        new = {outcome: count - self.told[outcome] for outcome, count in now.items()}
        for (table, outcome), count in (now_of_tables - self.told_of_tables).items():
            new[f"{outcome}:{table}"] = count
        self.told_at = time.monotonic()
        if not any(new.values()):
            return
        key = keys.minute(int(time.time()) // 60)
        try:
            pipeline = client.redis().pipeline(transaction=False)
            for outcome, count in new.items():
                if count:
                    pipeline.hincrby(key, outcome, count)
            pipeline.expire(key, (MINUTES + 1) * 60)
            pipeline.execute()
        except (*FAILURES, Unavailable):
            return
        self.told, self.told_of_tables = now, now_of_tables

    def sometimes(self) -> None:
        """After each request: tell, if it is time."""
        pause = conf().HISTORY
        if not pause or time.monotonic() - self.told_at < pause or client.away:
            return
        if self.lock.acquire(blocking=False):
            try:
                self.tell()
            finally:
                self.lock.release()


def counted() -> dict[str, int]:
    """Fetches of this process so far, by outcome."""
    totals = dict.fromkeys(OUTCOMES, 0)
    for (kind, outcome), count in stats.counts().items():
        outcome = outcome.removeprefix("near ")
        if kind in get_args(Kind) and outcome in totals:
            totals[outcome] += count
    return totals


def of_tables() -> Counter[tuple[str, str]]:
    """What became of fetches and writes of this process so far, by table and one of OF_TABLES."""
    totals: Counter[tuple[str, str]] = Counter()
    for (table, outcome), count in stats.of_tables().items():
        outcome = outcome.removeprefix("near ")
        if outcome in OF_TABLES:
            totals[table, outcome] += count
    return totals


def history() -> list[Minute]:
    """The last MINUTES minutes, the current one last. One round trip. Raises Unavailable."""
    last = int(time.time()) // 60
    numbers = range(last - MINUTES + 1, last + 1)
    with asking() as redis:
        pipeline = redis.pipeline(transaction=False)
        for number in numbers:
            pipeline.hgetall(keys.minute(number))
        replies = pipeline.execute(raise_on_error=False)
    return [_minute(number, reply) for number, reply in zip(numbers, replies, strict=True)]


def _minute(number: int, reply: Any) -> Minute:
    start = datetime.fromtimestamp(number * 60, tz=UTC)
    if not isinstance(reply, dict):
        return Minute(start=start)  # a key of another type in its place
    told = {name.decode(errors="replace"): int(v) for name, v in reply.items() if v.isdigit()}
    hits, misses, stale, bypasses, errors = (told.pop(outcome, 0) for outcome in OUTCOMES)
    of_tables: Counter[tuple[str, str]] = Counter()
    for name, count in told.items():
        outcome, _, table = name.partition(":")
        if outcome in OF_TABLES:
            of_tables[table, outcome] = count
    return Minute(
        start=start, hits=hits, misses=misses, stale=stale, bypasses=bypasses, errors=errors,
        of_tables=of_tables,
    )  # fmt: skip


teller = Teller()


def _after_fork() -> None:
    # What the parent counted before the fork is the parent's to tell.
    teller.lock = threading.Lock()
    teller.told, teller.told_of_tables = counted(), of_tables()


os.register_at_fork(after_in_child=_after_fork)
