"""All experiments: maxmemory × policy × TTL, repeated, on servers of their own side by side."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from statistics import mean

from .private_server import private_server
from .replay import Outcome, Setup, replay
from .workload import NoWorkload, Workload

POLICIES = (
    "volatile-lru", "volatile-lfu", "volatile-ttl", "volatile-random", "allkeys-lru",
    "allkeys-lfu", "noeviction",
)  # fmt: skip
OVERHEAD = 120  # bytes that Redis adds to a key and its value, about
SHARES = (0.25, 0.5, 1.0)  # of the working set: the memory that is tried by default


@dataclass(frozen=True)
class Cell:
    """The repeats of one setup."""

    setup: Setup
    outcomes: tuple[Outcome, ...]

    @property
    def hit_ratio(self) -> float:
        return mean(one.hit_ratio for one in self.outcomes)

    @property
    def spread(self) -> float:
        """The highest hit ratio of the repeats less the lowest."""
        ratios = [one.hit_ratio for one in self.outcomes]
        return max(ratios) - min(ratios)

    def mean(self, name: str) -> float:
        return mean(getattr(one, name) for one in self.outcomes)


def base_memory() -> int:
    """Bytes that an empty server takes with a client connected."""
    with private_server(0, "noeviction") as client:
        return int(client.info("memory")["used_memory"])


def memories(workload: Workload, base: int) -> list[int]:
    """What is tried where nobody says: shares of what all keys together would take."""
    everything = sum(size + OVERHEAD for size in workload.working_set.values())
    return [base + round(share * everything) for share in SHARES]


def check(memory: Sequence[int], base: int) -> None:
    """Raises NoWorkload for a maxmemory that an empty server exceeds."""
    for bytes_ in memory:
        if bytes_ < base * 1.05:
            raise NoWorkload(
                f"A maxmemory of {bytes_ / 1e6:.2f} MB holds no entry: an empty Redis takes "
                f"{base / 1e6:.2f} MB by itself. Name more."
            )


def setups(memory: Sequence[int], policies: Sequence[str], ttls: Sequence[float]) -> list[Setup]:
    return [
        Setup(maxmemory=bytes_, policy=policy, ttl=ttl)
        for bytes_, policy, ttl in product(memory, policies, ttls)
    ]


def sweep(
    workload: Workload, wanted: Sequence[Setup], *, repeats: int, speed: float, parallel: int
) -> Generator[Outcome, None, None]:
    """Each outcome as it is ready. Leaving it early stops the servers."""
    stop = threading.Event()
    with ThreadPoolExecutor(parallel) as pool:
        try:
            # Repeats outside: where the machine is busy for a while, it is so for all setups.
            runs = [
                pool.submit(replay, workload, setup, speed, repeat, stop)
                for repeat in range(repeats)
                for setup in wanted
            ]
            for done in as_completed(runs):
                yield done.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def cells(outcomes: Sequence[Outcome], wanted: Sequence[Setup]) -> list[Cell]:
    """The outcomes by setup, in the order of `wanted`."""
    return [Cell(setup, tuple(one for one in outcomes if one.setup == setup)) for setup in wanted]
