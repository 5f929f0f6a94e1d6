"""The whole of the cache at one look, for the admin's page and the command."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..watching.state import State, states
from . import description, feed, history, keyspace, server, standing
from .tables import Table, tables

NOW = 5  # minutes that "now" means: fewer say little on a quiet site


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    server: server.Server
    minutes: list[history.Minute]
    sample: keyspace.Sample
    hottest: list[keyspace.Key]  # of the sample, with what they are
    largest: list[keyspace.Key]
    tables: list[Table]
    invalidations: list[feed.Invalidated]
    watchers: dict[str, State]  # by the alias of the database whose binlog they follow

    @property
    def gates(self) -> list[standing.Standing]:
        """Those that are there."""
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
            "hit_ratio": {"now": self.ratio_now, "hour": self.ratio_hour},
            "a_second": {"hits": self.hits_a_second, "fetches": self.fetches_a_second},
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
            "gates": {gate.gate: gate.state for gate in self.gates},
            "tables": {table.standing.gate: table.as_dict() for table in self.tables},
            "invalidations": [one.as_dict() for one in self.invalidations],
            "watchers": {
                alias: {**asdict(state), "trouble": state.trouble}
                for alias, state in self.watchers.items()
            },
            "hottest_by": "frequency" if self.sample.counts_accesses else "idle",
            "hottest": [key.as_dict() for key in self.hottest],
            "largest": [key.as_dict() for key in self.largest],
        }


def overview() -> Overview:
    """A bounded number of round trips, whatever the size of the cache. Raises Unavailable."""
    minutes, sample = history.history(), keyspace.sample()
    hottest, largest = sample.hottest(), sample.largest()
    with server.asking() as redis:
        told = description.described(redis, [*hottest, *largest])
    return Overview(
        server=server.server(),
        minutes=minutes,
        sample=sample,
        hottest=told[: len(hottest)],
        largest=told[len(hottest) :],
        tables=tables(standing.standings(), minutes),
        invalidations=feed.last(),
        watchers=states(),
    )
