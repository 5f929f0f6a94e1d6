"""The last invalidations of all processes, each with its cause.

Each process adds what it has invalidated when it tells its counts (history.py). Writes to tables
that nothing cached reads, such as those of sessions, are left out: they make nothing stale.
"""

from __future__ import annotations

import os
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from .. import stats
from ..installed import caching_tables
from ..storage import keys
from ..storage.client import client
from ..storage.errors import FAILURES, Unavailable
from ..writing import last_writes
from ..writing.last_writes import Stale
from .brief import brief
from .nodes import asking

SHOWN = 30
KEPT_SECONDS = 24 * 3600
FETCHED = frozenset({"hit", "miss", "stale", "near hit"})


class Told(msgspec.Struct, array_like=True, frozen=True):
    """One as it lies in Redis."""

    at: float  # Unix time
    tables: list[str]
    records: list[str]  # the first of them
    cause: str
    landed: bool
    process: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalidated:
    at: datetime
    tables: tuple[str, ...]  # () is all of a database
    records: tuple[str, ...]
    cause: str  # the statement, or that somebody did it by hand
    landed: bool
    process: int

    def as_dict(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told, "at": self.at.isoformat(), "tables": list(self.tables)}

    @property
    def what(self) -> str:
        return ", ".join(self.tables) or "everything"


BY_HAND = "by hand"

_lock = threading.Lock()


def tell() -> None:
    """Add what this process has invalidated since it told last. One round trip, or none."""
    with _lock:
        taken = last_writes.take()
        cached = caching_tables() | _fetched() if taken else frozenset()
        news = [one for one in taken if not one.tables or cached & {*one.tables}]
        if not news:
            return
        key = keys.feed()
        try:
            pipeline = client.redis().pipeline(transaction=False)
            pipeline.lpush(key, *(_encode(one) for one in news))
            pipeline.ltrim(key, 0, SHOWN - 1)
            pipeline.expire(key, KEPT_SECONDS)
            pipeline.execute()
        except (*FAILURES, Unavailable):
            return  # what happened while Redis was away is not told


def last() -> list[Invalidated]:
    """The newest first. Raises Unavailable."""
    with asking() as redis:
        (replies,) = (
            redis.pipeline(transaction=False)
            .lrange(keys.feed(), 0, SHOWN - 1)
            .execute(raise_on_error=False)
        )
    return [*map(_decode, _readable(replies))] if isinstance(replies, list) else []


def _fetched() -> set[str]:
    """Tables that something was fetched of in this process."""
    return {table for (table, outcome) in stats.of_tables() if outcome in FETCHED}


def _encode(one: Stale) -> bytes:
    return msgspec.msgpack.encode(
        Told(
            at=one.at,
            tables=list(one.tables),
            records=list(one.records),
            cause=brief(one.sql, values=False) or BY_HAND,
            landed=one.landed,
            process=os.getpid(),
        )
    )


def _readable(replies: list[bytes]) -> list[Told]:
    found = []
    for reply in replies:
        try:
            found.append(msgspec.msgpack.decode(reply, type=Told))
        except (msgspec.MsgspecError, ValueError):
            continue  # of another release
    return found


def _decode(told: Told) -> Invalidated:
    return Invalidated(
        at=datetime.fromtimestamp(told.at, tz=UTC),
        tables=tuple(told.tables),
        records=tuple(told.records),
        cause=told.cause,
        landed=told.landed,
        process=told.process,
    )


def _after_fork() -> None:
    # What the parent invalidated is the parent's to tell.
    global _lock
    _lock = threading.Lock()
    last_writes.take()


os.register_at_fork(after_in_child=_after_fork)
