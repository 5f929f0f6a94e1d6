"""Which entries are current, and what they stand on: to say after a write what it made stale.

Nobody keeps a list of who depends on what: a write moves a gate, whatever stands behind it. So who
wants to know looks before the write, at so many entries at most, and compares after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..conf import conf
from ..events import Invalidation
from ..reading.record_format import ask_token, read_token
from ..storage import gates, keys
from .description import Head, heads
from .keyspace import ENTRIES, SCAN_COUNT, Key, kind, look, printable
from .nodes import asking, nodes
from .wording import of_kind

MOST = 500  # entries that are looked at: some 50 ms of the save


@dataclass(frozen=True, slots=True)
class WentStale:
    """How many entries of each kind; `complete`: there are no others."""

    counts: Counter[str]
    complete: bool

    def __str__(self) -> str:
        """`1 record, 7 queries and 4 pages`; "" where none is known."""
        told = [of_kind(kind, self.counts[kind]) for kind in ENTRIES if self.counts[kind]]
        if not told:
            return ""
        words = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
        return words if self.complete else f"At least {words}"


@dataclass(frozen=True, slots=True)
class Current:
    """Entries that a fetch would take, each with the gates and records that it stands on."""

    entries: dict[str, frozenset[str]]
    complete: bool  # there are no others

    def stale_by(self, invalidations: Iterable[Invalidation]) -> WentStale:
        """What these have made stale of it."""
        moved = {key for one in invalidations for key in one.keys}
        stale = Counter(kind(name) for name, on in self.entries.items() if on & moved)
        if conf().WRITE_THROUGH:
            del stale["record"]  # it was filled again at once
        return WentStale(stale, self.complete)


def current() -> Current:
    """A bounded number of round trips, whatever the size of the cache. Raises Unavailable."""
    told: dict[Key, Head] = {}
    complete = True
    with asking() as redis:
        servers = nodes(redis)
        for _, server in servers:
            found, all_of_them = _entries(server, MOST // len(servers))
            some = heads(server, found)
            complete = complete and all_of_them and len(some) == len(found)
            told |= some
        now = _now(
            redis, {ground for head in told.values() for on in head.grounds for ground in on}
        )
    entries = {}
    for key, head in told.items():
        for grounds in head.grounds:
            if all(now[ground] == had for ground, had in grounds.items()):
                entries[key.name] = frozenset({key.name, *grounds})
    return Current(entries, complete)


def _entries(server: Any, most: int) -> tuple[list[Key], bool]:
    """The first of its entries, and whether they are all."""
    names: list[bytes] = []
    at, scans = 0, 0
    while len(names) < most and scans < 2 * most / SCAN_COUNT:
        at, some = server.scan(at, count=SCAN_COUNT)
        names += [name for name in some if kind(printable(name)) in ENTRIES]
        scans += 1
        if at == 0:
            break
    return look(server, names), at == 0


def _now(redis: Any, grounds: Iterable[str]) -> dict[str, str | None]:
    """What each gate and record is now. Singly, for a cluster's sake."""
    asked = list(grounds)
    pipeline = redis.pipeline(transaction=False)
    for ground in asked:
        pipeline.execute_command(
            *(ask_token(ground) if keys.is_record(ground) else ("GET", ground))
        )
    replies: Sequence[Any] = pipeline.execute(raise_on_error=False) if asked else ()
    return dict(_told(asked, replies))


def _told(asked: Sequence[str], replies: Sequence[Any]) -> Iterator[tuple[str, str | None]]:
    for ground, reply in zip(asked, replies, strict=True):
        yield ground, read_token(reply) if keys.is_record(ground) else gates.generation(reply)
