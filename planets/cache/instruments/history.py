"""What was fetched in each of the last minutes, by all processes together.

Each process adds what it has counted to the hash of the minute, at the end of a request and at most
once in HISTORY seconds: one round trip that no fetch waits for. So the counts are those of the web
processes; what the last requests before a quiet spell fetched is told with the next one.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from .. import stats
from ..conf import conf
from ..events import Kind
from ..storage import keys
from ..storage.client import client
from ..storage.errors import FAILURES, Unavailable
from .nodes import asking

MINUTES = 60
OUTCOMES = ("hit", "miss", "stale", "bypass", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Fetches of one minute, by outcome."""

    start: datetime
    hits: int = 0
    misses: int = 0
    stale: int = 0  # served late, to who accepts that
    bypasses: int = 0
    errors: int = 0

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


def ratio(minutes: list[Minute]) -> float | None:
    """Hits of all fetches that looked in Redis and were answered; None where there were none."""
    hits = sum(minute.hits for minute in minutes)
    asked = sum(minute.asked for minute in minutes)
    return hits / asked if asked else None


class Teller:
    """What this process has told so far."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told = counted()
        self.told_at = time.monotonic()

    def tell(self) -> None:
        """Add what is new to the current minute; while Redis is away it waits."""
        now = counted()
        new = {outcome: count - self.told[outcome] for outcome, count in now.items()}
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
        self.told = now

    def sometimes(self, **kwargs: Any) -> None:
        """Receiver of request_finished."""
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


def history() -> list[Minute]:
    """The last MINUTES minutes, the current one last. One round trip. Raises Unavailable."""
    last = int(time.time()) // 60
    numbers = range(last - MINUTES + 1, last + 1)
    with asking() as redis:
        pipeline = redis.pipeline(transaction=False)
        for number in numbers:
            pipeline.hmget(keys.minute(number), *OUTCOMES)
        replies = pipeline.execute(raise_on_error=False)
    return [_minute(number, reply) for number, reply in zip(numbers, replies, strict=True)]


def _minute(number: int, reply: Any) -> Minute:
    start = datetime.fromtimestamp(number * 60, tz=UTC)
    if not isinstance(reply, list):
        return Minute(start=start)  # a key of another type in its place
    hits, misses, stale, bypasses, errors = (int(v) if v and v.isdigit() else 0 for v in reply)
    return Minute(
        start=start, hits=hits, misses=misses, stale=stale, bypasses=bypasses, errors=errors
    )


teller = Teller()


def _after_fork() -> None:
    # What the parent counted before the fork is the parent's to tell.
    teller.lock = threading.Lock()
    teller.told = counted()


os.register_at_fork(after_in_child=_after_fork)
