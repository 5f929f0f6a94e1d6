"""The whole of the cache at one look, for the admin's page and the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from ..storage.errors import Unavailable
from ..watching.state import State, states
from . import description, feed, history, keyspace, server, standing
from .nodes import asking
from .tables import Table, tables

T = TypeVar("T")

NOW = 5  # minutes that "now" means: fewer say little on a quiet site


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    server: server.Server
    minutes: list[history.Minute]
    sample: keyspace.Sample
    hottest: list[keyspace.Key]  # of the sample, with what they are
    largest: list[keyspace.Key]
    tables: list[Table] | None
    invalidations: list[feed.Invalidated] | None
    watchers: dict[str, State]  # by the alias of the database whose binlog they follow
    missing: tuple[str, ...] = ()  # parts of this that Redis has not told, a line each

    @property
    def unknown(self) -> list[str]:
        """What cannot be known, and why: a line each."""
        return [*dict.fromkeys([*self.server.unknown, *self.missing, *self.sample.unknown])]

    @property
    def gates(self) -> list[standing.Standing] | None:
        """Those that are there."""
        if self.tables is None:
            return None
        return [table.standing for table in self.tables if table.standing.state != "missing"]

    @property
    def ratio_now(self) -> float | None:
        return history.ratio(self.minutes[-NOW:])

    @property
    def ratio_hour(self) -> float | None:
        return history.ratio(self.minutes)

    @property
    def fetches(self) -> int:
        """Of the last hour."""
        return sum(minute.fetches for minute in self.minutes)

    @property
    def fetches_a_second(self) -> float:
        """Now."""
        recent = self.minutes[-NOW:]
        return sum(minute.fetches for minute in recent) / (history.seconds(recent) or 1)

    @property
    def hits_a_second(self) -> float:
        """Now."""
        recent = self.minutes[-NOW:]
        return sum(minute.hits for minute in recent) / (history.seconds(recent) or 1)

    @property
    def bypasses(self) -> int:
        """Of the last hour."""
        return sum(minute.bypasses for minute in self.minutes)

    @property
    def errors(self) -> int:
        """Of the last hour."""
        return sum(minute.errors for minute in self.minutes)

    def as_dict(self) -> dict[str, Any]:
        return {
            "server": self.server.as_dict(),
            "unknown": self.unknown,
            "hit_ratio": {"now": self.ratio_now, "hour": self.ratio_hour},
            "a_second": {"hits": self.hits_a_second, "fetches": self.fetches_a_second}
            if self.minutes
            else None,
            "minutes": [minute.as_dict() for minute in self.minutes if minute.fetches],
            "sample": {
                "keys": self.sample.size,
                "of": self.sample.total,
                "complete": self.sample.complete,
            },
            "kinds": {
                total.kind: {"count": total.count, "bytes": total.bytes}
                for total in self.sample.kinds()
            },
            "gates": None if self.gates is None else {gate.gate: gate.state for gate in self.gates},
            "tables": self.tables and {t.standing.gate: t.as_dict() for t in self.tables},
            "invalidations": self.invalidations and [one.as_dict() for one in self.invalidations],
            "watchers": {
                alias: {**asdict(state), "trouble": state.trouble}
                for alias, state in self.watchers.items()
            },
            "hottest_by": "frequency" if self.sample.counts_accesses else "idle",
            "hottest": [key.as_dict() for key in self.hottest],
            "largest": [key.as_dict() for key in self.largest],
        }


def overview() -> Overview:
    """A bounded number of round trips, whatever the size of the cache.

    What one node does not answer is missing from it. Raises Unavailable where none does.
    """
    missing: dict[str, list[str]] = {}
    told = server.server()

    def known(what: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except Unavailable as error:
            why = str(error) if told.answers else "Part of it lies on a node that is away"
            missing.setdefault(why, []).append(what)
            return otherwise

    minutes: list[history.Minute] = known("the hit ratio", history.history, [])
    sample = keyspace.sample()
    hottest, largest = sample.hottest(), sample.largest()
    both = [*hottest, *largest]
    described = known("what the entries are", lambda: _described(both), both)
    standings: list[standing.Standing] | None = known("the gates", standing.standings, None)
    return Overview(
        server=told,
        minutes=minutes,
        sample=sample,
        hottest=described[: len(hottest)],
        largest=described[len(hottest) :],
        tables=None if standings is None else tables(standings, minutes),
        invalidations=known("the last invalidations", feed.last, None),
        watchers=known("the watchers", states, {}),
        missing=tuple(f"{why}: {', '.join(what)} unknown" for why, what in missing.items()),
    )


def _described(found: list[keyspace.Key]) -> list[keyspace.Key]:
    with asking() as redis:
        return description.described(redis, found)
