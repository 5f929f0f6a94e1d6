"""What is known of one statement: how often, how long, from where, how the cache did with it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from . import runs, sample, sketch

SITES = 4  # places that it is called from
Kind = Literal["sql", "record", "page", "fragment", "value", "write"]


class Line(msgspec.Struct, array_like=True):
    """Times of loads are ms. A call is plain (no fetch of ours), a hit, a miss or a bypass."""

    kind: Kind
    text: str
    tables: tuple[str, ...]
    alias: str = ""
    doubt: str = ""  # why it cannot be cached
    calls: int = 0
    hits: int = 0
    misses: int = 0
    bypasses: int = 0
    thrown_away: int = 0  # misses that were not stored
    too_large: int = 0  # of those, for their size
    waits: int = 0  # for another caller's fill
    loads: int = 0
    load_sum: float = 0.0
    load_sample: list[float] = msgspec.field(default_factory=list)
    hit_sample: list[float] = msgspec.field(default_factory=list)
    overhead_sample: list[float] = msgspec.field(default_factory=list)  # of misses, beside the load
    rows: int = 0  # of the loads that were looked at closely
    sizes: int = 0  # how often a size was seen
    bytes: int = 0  # all those together
    ttl: float = 0.0  # seconds; 0: it has no TTL of a fetch's
    pages: int = 0  # that asked more than once
    in_pages: int = 0  # calls of those
    sets_in_pages: int = 0  # different parameter sets of those
    sites: dict[str, int] = {}
    smallest: list[int] = []
    below: int = sketch.ALL  # below which hash of parameters every call is in `log`
    log: runs.Runs = {}
    floor: float = 0.0  # what those had taken in whose place it came
    closely: int = 0  # loads that were looked at closely
    second_sight: bool = False  # it is kept from the second time on that it is asked for
    why: str = ""  # what is computed: why it was not stored, the last time

    @property
    def plain(self) -> int:
        return self.calls - self.hits - self.misses - self.bypasses

    @property
    def rank(self) -> float:
        """The database's time that it takes, or would take without the cache; at most."""
        return self.floor + self.calls * (self.load_sum / self.loads if self.loads else 0.0)

    @property
    def rows_each(self) -> float:
        """Of a load, on average."""
        return self.rows / self.closely if self.closely else 0.0

    @property
    def sets(self) -> int:
        return sketch.distinct(self.smallest)

    def called(self, key: int, at: int, written: int) -> None:
        """Once, with the parameters of this hash."""
        self.calls += 1
        if (mine := self.log.get(key)) is not None:
            runs.add(mine, at, written)
        elif sketch.add(self.smallest, key) and key < self.below:
            self.log[key] = [runs.Run(at, at)]
        if not self.calls % 64:
            self.thin()

    def loaded(self, ms: float) -> None:
        self.loads += 1
        self.load_sum += ms
        sample.add(self.load_sample, self.loads, ms)

    def looked(self, rows: int, size: int = 0) -> None:
        """Closely, at a load: so many rows, of so many bytes; 0: that is not known."""
        self.closely += 1
        self.rows += rows
        self.sizes += bool(size)
        self.bytes += size

    @property
    def logged(self) -> int:
        """How many runs its log has."""
        return sum(map(len, self.log.values()))

    def thin(self, most: int = runs.MOST) -> None:
        self.below = runs.thin(self.log, min(self.below, sketch.bound(self.smallest)), most)

    def merge(self, other: Line) -> None:
        """Take in what another has heard of the same statement."""
        for name in ("load", "hit", "overhead"):
            counted = {"load": "loads", "hit": "hits", "overhead": "misses"}[name]
            mine, others = getattr(self, f"{name}_sample"), getattr(other, f"{name}_sample")
            both = sample.merged(mine, getattr(self, counted), others, getattr(other, counted))
            setattr(self, f"{name}_sample", both)
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.ttl = other.ttl or self.ttl
        self.tables = tuple(sorted({*self.tables, *other.tables}))
        self.second_sight |= other.second_sight
        self.why = other.why or self.why
        sites = Counter(self.sites)
        sites.update(other.sites)
        self.sites = dict(sites.most_common(SITES))
        self.smallest = sketch.merged(self.smallest, other.smallest)
        self.below = min(self.below, other.below)
        runs.merge(self.log, other.log)
        self.thin()


SUMS = (
    "calls hits misses bypasses thrown_away too_large waits loads load_sum rows sizes bytes pages "
    "in_pages sets_in_pages floor closely"
).split()
