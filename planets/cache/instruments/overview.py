"""The whole of the cache at one look, for the admin's page and the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from ..storage.errors import Unavailable
from ..watching.state import State, states
from . import history, keyspace, server, standing

T = TypeVar("T")

NOW = 5  # minutes that "now" means: fewer say little on a quiet site


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    server: server.Server
    minutes: list[history.Minute]
    sample: keyspace.Sample
    gates: list[standing.Standing] | None  # those that are there
    watchers: dict[str, State]  # by the alias of the database whose binlog they follow
    missing: tuple[str, ...] = ()  # parts of this that Redis has not told, a line each

    @property
    def unknown(self) -> list[str]:
        """What cannot be known, and why: a line each."""
        return [*dict.fromkeys([*self.server.unknown, *self.missing, *self.sample.unknown])]

    @property
    def ratio_now(self) -> float | None:
        return history.ratio(self.minutes[-NOW:])

    @property
    def ratio_hour(self) -> float | None:
        return history.ratio(self.minutes)

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
            "watchers": {
                alias: {**asdict(state), "trouble": state.trouble}
                for alias, state in self.watchers.items()
            },
            "hottest_by": "frequency" if self.sample.counts_accesses else "idle",
            "hottest": [key.as_dict() for key in self.sample.hottest()],
            "largest": [key.as_dict() for key in self.sample.largest()],
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

    return Overview(
        server=told,
        minutes=known("the hit ratio", history.history, []),
        sample=keyspace.sample(),
        gates=known("the gates", standing.present, None),
        watchers=known("the watchers", states, {}),
        missing=tuple(f"{why}: {', '.join(what)} unknown" for why, what in missing.items()),
    )
