"""The tables: how their gates stand, and what was fetched, written and invalidated lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..installed import caching_tables
from .history import Minute
from .standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Counts are of the last hour, of all web processes together."""

    standing: Standing
    hits: int
    asked: int  # fetches that looked in Redis and were answered
    writes: int  # statements
    invalidations: int

    @property
    def ratio(self) -> float | None:
        return self.hits / self.asked if self.asked else None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


def tables(standings: Sequence[Standing], minutes: Sequence[Minute]) -> list[Table]:
    """Those whose gate is there, and those that something was fetched of or that went stale."""
    counts: Counter[tuple[str, str]] = Counter()
    for minute in minutes:
        counts.update(minute.of_tables)
    found = (_table(standing, counts) for standing in standings)
    return [table for table in found if _matters(table)]


def _matters(table: Table) -> bool:
    went_stale = table.invalidations and table.standing.table in caching_tables()
    return table.standing.state != "missing" or bool(table.asked or went_stale)


def _table(standing: Standing, counts: Counter[tuple[str, str]]) -> Table:
    name = standing.table
    hits = counts[name, "hit"]
    return Table(
        standing=standing,
        hits=hits,
        asked=hits + counts[name, "miss"] + counts[name, "stale"],
        writes=counts[name, "written"],
        invalidations=counts[name, "invalidated"],
    )
