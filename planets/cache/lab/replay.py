"""One experiment: a workload against a private server with one maxmemory, policy and TTL.

It does what the layer does: a read takes the entry and its gate together; an entry of an older
generation is a miss; a miss fills, with a jittered TTL; a write deletes. The gate can be evicted
like any other key, and then everything behind it is a miss: that is why random policies can do
worse here than for a cache without gates.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis

from .private_server import private_server
from .workload import Event, Workload

BATCH = 200  # reads of one pipeline
JITTER = 0.1
GATE, GATE_TTL = "gate", 7 * 24 * 3600.0  # as the layer's


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    maxmemory: int  # bytes
    policy: str
    ttl: float  # seconds of the workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of the second half of a workload, when the cache has filled; rates by its own seconds."""

    setup: Setup
    hit_ratio: float
    loads: float  # of the database, a second
    evicted: int  # in the whole run, as the three below
    expired: int
    refused: int  # fills: out of memory
    memory: int  # bytes in use at the end, the server's own included
    speed: float  # times as fast as the workload's time, as it was

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Stopped(Exception):
    """Somebody wants no more."""


def replay(
    workload: Workload, setup: Setup, speed: float, seed: int, stop: threading.Event
) -> Outcome:
    """Run it, `speed` times as fast as the workload's time, TTLs included. Raises Stopped."""
    with private_server(setup.maxmemory, setup.policy) as client:
        run = Run(client, setup, speed, random.Random(seed))  # noqa: S311
        started = time.monotonic()
        half = workload.seconds / 2
        for batch in batches(workload.events):
            if stop.is_set():
                raise Stopped
            ahead = batch[0].at / speed - (time.monotonic() - started)
            if ahead > 0 and stop.wait(ahead):
                raise Stopped
            run.do(batch, counts=batch[0].at >= half)
        took = time.monotonic() - started
        info = client.info()
    reads = run.hits + run.loads
    return Outcome(
        setup=setup,
        hit_ratio=run.hits / reads if reads else 0.0,
        loads=run.loads / half,
        evicted=info["evicted_keys"],
        expired=info["expired_keys"],
        refused=run.refused,
        memory=info["used_memory"],
        speed=workload.seconds / took,
    )


def batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Reads that may go together: at most BATCH, of at most a second, ended by a write."""
    batch: list[Event] = []
    for event in events:
        if batch and (len(batch) == BATCH or event.at - batch[0].at > 1 or batch[-1].write):
            yield batch
            batch = []
        batch.append(event)
    if batch:
        yield batch


class Run:
    """The reader, the filler and the writer of one experiment."""

    def __init__(
        self, client: redis.Redis, setup: Setup, speed: float, chance: random.Random
    ) -> None:
        self.client, self.setup, self.speed, self.chance = client, setup, speed, chance
        self.hits = self.loads = self.refused = 0
        self.generations = 0

    def do(self, batch: list[Event], *, counts: bool) -> None:
        reads = [event for event in batch if not event.write]
        missing: dict[str, int] = {}
        pipe = self.client.pipeline(transaction=False)
        for event in reads:
            pipe.mget(event.key, GATE)
        gate = b""
        for event, (entry, gate) in zip(reads, pipe.execute(), strict=True):
            current = gate and entry and entry.startswith(gate + b" ")
            # Whoever asks for what is being filled waits for it, so only the first one loads.
            if not current and event.key not in missing:
                missing[event.key] = event.bytes
                self.loads += counts
            else:
                self.hits += counts
        self.fill(missing, gate)
        for event in batch:
            if event.write:
                self.client.delete(event.key)

    def fill(self, missing: dict[str, int], gate: bytes | None) -> None:
        if not missing:
            return
        pipe = self.client.pipeline(transaction=False)
        if not gate:
            self.generations += 1
            gate = b"%016d" % self.generations
            pipe.set(GATE, gate, px=self.px(GATE_TTL))
        for key, size in missing.items():
            ttl = self.setup.ttl * self.chance.uniform(1 - JITTER, 1 + JITTER)
            pipe.set(key, (gate + b" ").ljust(size, b"."), px=self.px(ttl))
        replies = pipe.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, redis.exceptions.OutOfMemoryError):
                self.refused += 1
            elif isinstance(reply, Exception):
                raise reply

    def px(self, ttl: float) -> int:
        return max(1, round(ttl * 1000 / self.speed))
