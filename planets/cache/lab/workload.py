"""What is asked of the cache, when: from a seed, an access log, or a recorded trace."""

from __future__ import annotations

import json
import random
import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

# Common and combined format: host ident user [time] "request" status ...
LINE = re.compile(r'\S+ \S+ .*?\[([^\]]+)\] "([A-Z]+) (\S+)[^"]*" (\d{3}) ')
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class NoWorkload(ValueError):
    """There is nothing to replay, or what describes it is impossible."""


@dataclass(frozen=True, slots=True)
class Event:
    at: float  # seconds from the start
    key: str
    write: bool
    bytes: int  # of the value


@dataclass(frozen=True)
class Workload:
    """Events in order of time."""

    source: str  # in words
    events: Sequence[Event]
    skipped: int = 0  # lines that could not be read

    @property
    def seconds(self) -> float:
        return max(self.events[-1].at, 1.0)

    @property
    def reads(self) -> int:
        return sum(not event.write for event in self.events)

    @property
    def working_set(self) -> dict[str, int]:
        """Bytes of each key's value."""
        return {event.key: event.bytes for event in self.events}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A synthetic workload. Raises NoWorkload where it is impossible."""

    seed: int = 1
    keys: int = 10_000
    skew: float = 1.0  # Zipf: the key of rank r is read in proportion to 1/r^skew
    reads: float = 100.0  # a second
    writes: float = 0.1  # a second, each to a key chosen as the reads are
    seconds: float = 600.0

    def __post_init__(self) -> None:
        ranges = {
            "keys": (1, 5_000_000), "skew": (0, 5), "reads": (0.01, 1e6), "writes": (0, 1e6),
            "seconds": (1, 30 * 24 * 3600),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise NoWorkload(f"--{name} is {value!r}, must be {low} to {high}.")
        if self.seconds * (self.reads + self.writes) > 5_000_000:
            raise NoWorkload("More than 5,000,000 events: lower --seconds or --reads.")


def synthetic(shape: Shape, sizes: Sequence[int]) -> Workload:
    """The same for the same shape and sizes (bytes of values, dealt out to the keys)."""
    chance = random.Random(shape.seed)  # noqa: S311
    weights = list(accumulate(1 / rank**shape.skew for rank in range(1, shape.keys + 1)))
    size = [chance.choice(sizes) for _ in range(shape.keys)]
    events = []
    now, rate = 0.0, shape.reads + shape.writes
    while True:
        now += chance.expovariate(rate)
        if now > shape.seconds:
            break
        rank = min(bisect(weights, chance.random() * weights[-1]), shape.keys - 1)
        write = chance.random() < shape.writes / rate
        events.append(Event(now, f"key:{rank}", write, size[rank]))
    if not events:
        raise NoWorkload("The workload has no event: raise --seconds or --reads.")
    source = (
        f"synthetic: {shape.keys:,} keys, Zipf {shape.skew:g}, {shape.reads:g} reads/s, "
        f"{shape.writes:g} writes/s, seed {shape.seed}"
    )
    return Workload(source, events)


def from_log(lines: Iterable[str], sizes: Sequence[int], source: str) -> Workload:
    """From an access log: a key for each address that answered 200 or 304.

    A POST, PUT, PATCH or DELETE is a write to its address. Lines of neither this nor our trace's
    form are counted and skipped. Raises NoWorkload where nothing is left.
    """
    found: list[tuple[float, str, bool, int]] = []
    skipped = 0
    for line in lines:
        read = _traced(line, sizes) if line.startswith("{") else _logged(line, sizes)
        if read is None:
            skipped += 1
        elif read[1]:
            found.append(read)
    if not any(not write for _, _, write, _ in found):
        raise NoWorkload(f"{source} has no read of a page: {skipped} lines could not be read.")
    found.sort(key=lambda event: event[0])
    start = found[0][0]
    events = [Event(at - start, key, write, size) for at, key, write, size in found]
    return Workload(source, events, skipped)


def _logged(line: str, sizes: Sequence[int]) -> tuple[float, str, bool, int] | None:
    """Time, key ("" where it is no read or write of a page), write, bytes; None: unreadable."""
    match = LINE.match(line)
    if not match:
        return None
    when, method, address, status = match.groups()
    try:
        at = datetime.strptime(when, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return None
    write = method in WRITES
    counts = write or (method in ("GET", "HEAD") and status in ("200", "304"))
    return at, address if counts else "", write, _size(address, sizes)


def _traced(line: str, sizes: Sequence[int]) -> tuple[float, str, bool, int] | None:
    """The same from a line of trace.py, which knows no size for a miss."""
    try:
        event = json.loads(line)
        at, key, write = float(event["at"]), str(event["key"]), bool(event["write"])
        return at, key, write, int(event["bytes"] or _size(key, sizes))
    except (ValueError, TypeError, KeyError):
        return None


def _size(key: str, sizes: Sequence[int]) -> int:
    """One of the sizes, always the same for a key."""
    return sizes[random.Random(key).randrange(len(sizes))]  # noqa: S311
