"""What the account says of one statement, in the figures that advice is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import sqlglot
from sqlglot import exp

from ..conf import conf
from ..events import COMPUTED
from ..instruments.account.ledger import Ledger
from ..instruments.account.line import Line
from ..instruments.account.runs import Run
from ..instruments.account.sample import quantile
from .prediction import Prediction, predict

# Of a hit, and of a miss beside its load, in ms: where none was measured yet (docs/lab.md).
HIT, OVERHEAD = 0.3, 0.5
HOT_COLUMNS = 2  # set together; a write of more is of the whole row


class Scan(NamedTuple):
    """Rows that the server read for a statement, and those that it sent."""

    calls: int = 0
    examined: int = 0
    sent: int = 0
    seconds: float = 0.0

    def plus(self, other: Scan) -> Scan:
        return Scan(
            self.calls + other.calls,
            self.examined + other.examined,
            self.sent + other.sent,
            self.seconds + other.seconds,
        )


class Evidence:
    """One line of a ledger, among the others."""

    def __init__(self, digest: str, line: Line, ledger: Ledger, scan: Scan | None = None) -> None:
        self.digest, self.line, self.ledger, self.scan = digest, line, ledger, scan
        self.hour = 1 / ledger.hours  # what is counted, times this, is an hour's

    @property
    def is_cached(self) -> bool:
        return self.line.hits + self.line.misses > self.line.plain + self.line.bypasses

    @property
    def is_computed(self) -> bool:
        """A page, a fragment or a value."""
        return self.line.kind in COMPUTED

    @property
    def ttl(self) -> float:
        return self.line.ttl or conf().TTL

    # --- times, ms

    @cached_property
    def load(self) -> float:
        return quantile(self.line.load_sample, 0.5) or 0.0

    @cached_property
    def slowest(self) -> float:
        return quantile(self.line.load_sample, 0.99) or 0.0

    @property
    def mean(self) -> float:
        return self.line.load_sum / self.line.loads if self.line.loads else 0.0

    @cached_property
    def hit(self) -> float:
        return quantile(self.line.hit_sample, 0.5) or self._others("hit_sample") or HIT

    @cached_property
    def overhead(self) -> float:
        mine = quantile(self.line.overhead_sample, 0.5)
        return mine or self._others("overhead_sample") or OVERHEAD

    def _others(self, name: str) -> float | None:
        found = [ms for line in self.ledger.lines.values() for ms in getattr(line, name)]
        return quantile(found, 0.5)

    # --- ratios

    @property
    def ratio(self) -> float:
        """Hits of the fetches that there were."""
        asked = self.line.hits + self.line.misses
        return self.line.hits / asked if asked else 0.0

    @cached_property
    def break_even(self) -> float:
        """From which share of hits on the cache takes less time; above 1: never."""
        gain = self.load - self.hit
        return self.overhead / (self.overhead + gain) if gain > 0 else 2.0

    def predicted(
        self, ttl: float | None = None, *, second_sight: bool | None = None
    ) -> Prediction:
        """As it is asked for now, but for what is given here."""
        return self._replayed(self.writes, ttl or self.ttl, second_sight)

    def when_late(self, max_stale: float) -> Prediction:
        """Where entries are served for so many seconds, whatever is written."""
        return self._replayed((), max_stale)

    def _replayed(
        self, writes: Sequence[int] | None, ttl: float, second_sight: bool | None = None
    ) -> Prediction:
        sights = self.line.second_sight if second_sight is None else second_sight
        return predict(self.line, writes, ttl, self.ledger.processes if sights else 0)

    @cached_property
    def writes(self) -> list[int] | None:
        """None of what is computed: not each write of a table is one of what it stands on."""
        return None if self.is_computed else times(self.writers)

    @cached_property
    def writers(self) -> dict[str, Line]:
        """The writes of its tables, but for those that HOT keeps from it."""
        mine = set(self.line.tables)
        return {
            name: line
            for name, line in self.ledger.lines.items()
            if line.kind == "write" and not mine.isdisjoint(line.tables) and not self.spared(line)
        }

    def spared(self, write: Line) -> bool:
        """Whether the write sets nothing but columns that are HOT already, and it names none."""
        hot = conf().hot(write.tables[0]) if len(write.tables) == 1 else frozenset()
        columns = assigned(write.text) if hot else frozenset()
        return bool(columns) and columns <= hot and not self.names(columns)

    @cached_property
    def hot(self) -> tuple[str, frozenset[str], Prediction] | None:
        """Table, the columns that most writes set alone, and how it would be without those."""
        about: dict[tuple[str, frozenset[str]], int] = {}
        of: dict[str, tuple[str, frozenset[str]]] = {}
        for name, line in self.writers.items():
            if len(line.tables) == 1 and self.may_do_without(columns := assigned(line.text)):
                of[name] = (line.tables[0], columns)
                about[of[name]] = about.get(of[name], 0) + line.calls
        if not about:
            return None
        hot = max(about, key=lambda name: about[name])
        others = {name: line for name, line in self.writers.items() if of.get(name) != hot}
        return *hot, self._replayed(times(others), self.ttl)

    def may_do_without(self, columns: frozenset[str]) -> bool:
        """Whether it could leave these columns out: it is not by them that it finds its rows."""
        conditions = self.line.text.lower().partition(" from ")[2]
        few = 1 <= len(columns) <= HOT_COLUMNS and self.line.kind == "sql"
        return few and not any(f"`{name}`" in conditions for name in columns)

    def names(self, columns: frozenset[str]) -> bool:
        """Whether its text names one of these columns."""
        return any(f"`{name}`" in self.line.text.lower() for name in columns)

    # --- seconds an hour

    def saved(self, ratio: float) -> float:
        """Of the database, at such a share of hits."""
        return self.line.calls * self.hour * ratio * self.mean / 1000

    def gained(self, ratio: float) -> float:
        """Of everybody's time; below 0 the cache costs more than it saves."""
        each = ratio * (self.load - self.hit) - (1 - ratio) * self.overhead
        return self.line.calls * self.hour * each / 1000


def times(writers: Mapping[str, Line]) -> list[int]:
    """When these writes were, in order."""
    return sorted(
        at for line in writers.values() for mine in line.log.values() for at in moments(mine)
    )


def moments(mine: Sequence[Run]) -> list[int]:
    """When the calls of these runs were, about."""
    found: list[int] = []
    for run in mine:
        step = (run.last - run.first) / max(run.calls - 1, 1)
        found += [round(run.first + step * number) for number in range(run.calls)]
    return found


def assigned(text: str) -> frozenset[str]:
    """The columns that an UPDATE sets; none where that is not certain."""
    try:
        statement = sqlglot.parse_one(text, read="mysql")
    except sqlglot.errors.SqlglotError:
        return frozenset()
    if not isinstance(statement, exp.Update):
        return frozenset()
    sets: Sequence[exp.Expression] = statement.expressions
    if not all(isinstance(one, exp.EQ) and isinstance(one.this, exp.Column) for one in sets):
        return frozenset()
    return frozenset(one.this.name.lower() for one in sets)
