"""/metrics for Prometheus: the counts of all worker processes together.

The cache layer counts in each process and knows nothing of Prometheus. When somebody asks, what is
new goes into prometheus_client's counters; how long each load and fill took goes into its
histograms at once. Its multiprocess mode sums both over the workers of gunicorn, where
PROMETHEUS_MULTIPROC_DIR names a folder: another process may be asked there, so what is new is told
at the end of each request. No label has values that data could add to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import stats
from ..conf import conf
from ..events import Kind
from ..extras import extra
from ..storage.client import client
from ..storage.errors import Unavailable
from ..watching.state import states
from .server import server

with extra("metrics"):
    from prometheus_client import (
        CONTENT_TYPE_LATEST,
        CollectorRegistry,
        Counter,
        Gauge,
        Histogram,
        generate_latest,
        multiprocess,
    )
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

REGISTRY = CollectorRegistry()
IN_PROCESSES = "PROMETHEUS_MULTIPROC_DIR"  # of the environment


class Latest:
    """No metric: it is collected before all others, and has them told what is new.

    Not where single names are asked for, by restricted_registry().
    """

    def describe(self) -> Iterator[Metric]:
        yield from ()

    def collect(self) -> Iterator[Metric]:
        tell()
        yield from ()


LATEST: Any = Latest()
REGISTRY.register(LATEST)


def _counter(name: str, help_: str, *labels: str) -> Counter:
    return Counter(f"cache_aside_{name}", help_, labels, registry=REGISTRY)


FETCHES = _counter("fetches", "Reads through the cache.", "kind", "outcome")
UNREADABLE = _counter("undecodable", "Entries that could not be decoded: a miss each.", "kind")
UNSTORABLE = _counter("unencodable", "Results that could not be stored.", "kind")
FILLS = _counter("fills", "Entries filled, or refused as their lease had ended.", "outcome")
LOADS = _counter("loads", "Loads from the database.")
LEASES = _counter("lease_waits", "Waits for another caller's fill.", "outcome")
INVALIDATIONS = _counter("invalidations", "Writes that made entries stale.", "outcome")
EVICTIONS = _counter("near_evictions", "Entries that the near tier had no room for.")
AUDITS = _counter("audits", "Hits that were loaded again and compared.", "outcome")
# From a fill over loopback to a load that outlives its lease.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3)
SECONDS = {
    what: Histogram(f"cache_aside_{what}_seconds", help_, registry=REGISTRY, buckets=BUCKETS)
    for what, help_ in (
        ("load", "Time that each load from the database took."),
        ("fill", "Time that each round trip of fills took."),
    )
}
AWAY = Gauge(
    "cache_aside_redis_away",
    "Processes that leave Redis alone, after failures or because it is slow.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
OWED = Gauge(
    "cache_aside_invalidations_owed",
    "Commands of invalidation that have yet to land.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


class Watchers:
    """What the watchers of binlogs tell in Redis: one process each, and none of this site's."""

    GAUGES = (
        ("lag", "lag_seconds", "How far behind the database it is."),
        ("bytes_behind", "bytes_behind", "How much of the binlog it has yet to follow."),
    )
    COUNTERS = (
        ("transactions", "transactions", "Transactions that it has read."),
        ("invalidations", "invalidations", "Gates and records that it has made stale."),
        ("everything", "everything", "How often it made all entries stale."),
    )

    def describe(self) -> list[Metric]:
        return []  # which are there, Redis knows

    def collect(self) -> Iterator[Metric]:
        try:
            found = states()
        except Unavailable:
            return
        start = "cache_aside_watcher_"
        up = GaugeMetricFamily(f"{start}up", "Whether it watches.", labels=["database"])
        for alias, state in found.items():
            up.add_metric([alias], state.is_alive)
        yield up
        for made, names in ((GaugeMetricFamily, self.GAUGES), (CounterMetricFamily, self.COUNTERS)):
            for attribute, name, help_ in names:
                family = made(start + name, help_, labels=["database"])
                for alias, state in found.items():
                    family.add_metric([alias], getattr(state, attribute))
                yield family
        writes = CounterMetricFamily(
            f"{start}writes", "Writes in the binlog, by whose they are.", labels=["database", "by"]
        )
        for alias, state in found.items():
            for by in ("ours", "outside", "unknown"):
                writes.add_metric([alias, by], getattr(state, by))
        yield writes


class Servers:
    """What each Redis server says of itself: one, or the primaries of a cluster.

    What a server does not tell has no sample: a 0 would be a false one.
    """

    GAUGES = (
        ("memory", "memory_bytes", "Memory in use."),
        ("max_memory", "max_memory_bytes", "What it may use, 0 for no limit."),
        ("keys", "keys", "Keys, those of other programs too."),
        ("clients", "clients", "Connections."),
    )
    COUNTERS = (
        ("evicted", "evicted_keys", "Keys evicted as memory was full."),
        ("expired", "expired_keys", "Keys whose TTL has ended."),
    )

    def describe(self) -> list[Metric]:
        return []  # which are there, Redis knows

    def collect(self) -> Iterator[Metric]:
        try:
            found = server().each
        except Unavailable:
            return
        start = "cache_aside_redis_"
        up = GaugeMetricFamily(f"{start}up", "Whether it answers.", labels=["node"])
        for part in found:
            up.add_metric([part.address], part.answers)
        yield up
        for made, names in ((GaugeMetricFamily, self.GAUGES), (CounterMetricFamily, self.COUNTERS)):
            for attribute, name, help_ in names:
                family = made(start + name, help_, labels=["node"])
                for part in found:
                    if (value := getattr(part, attribute)) is not None:
                        family.add_metric([part.address], value)
                yield family


ASKED: tuple[Any, ...] = (Watchers(), Servers())
for collector in ASKED:
    REGISTRY.register(collector)

_lock = threading.Lock()
_told: dict[tuple[str, str], int] = {}
_shown: dict[Gauge, int] = {}


def spent(what: str, seconds: float) -> None:
    """What `stats` tells of a load or a fill."""
    SECONDS[what].observe(seconds)


stats.listen(spent)


COUNTERS = {"fill": FILLS, "lease": LEASES, "invalidation": INVALIDATIONS, "audit": AUDITS}


@cache
def _metric(kind: str, outcome: str) -> Any:
    """The counter of a count of `stats`."""
    if outcome == "undecodable":
        return UNREADABLE.labels(kind)
    if outcome == "unencodable":
        return UNSTORABLE.labels(kind)
    if kind in get_args(Kind):
        return FETCHES.labels(kind, outcome)
    if kind == "load":
        return LOADS
    if kind == "near":
        return EVICTIONS
    return COUNTERS[kind].labels(outcome)


def tell() -> None:
    """Have the counters tell what is new since this was last done."""
    with _lock:
        # In the lock, or another thread may have told of later ones.
        for name, value in stats.grown().items():
            if new := value - _told.get(name, 0):
                _metric(*name).inc(new)
                _told[name] = value
        for gauge, value in ((AWAY, bool(client.avoided)), (OWED, client.debt)):
            if _shown.get(gauge) != value:
                gauge.set(value)
                _shown[gauge] = value


def _may_see(request: HttpRequest) -> bool:
    """By the token alone: behind a proxy on the same machine, every client is this machine."""
    if conf().METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return constant_time_compare(given, f"Bearer {conf().METRICS_TOKEN}")
    return settings.DEBUG


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_see(request):
        return HttpResponseForbidden(
            "Metrics are for whoever has CACHE_ASIDE['METRICS_TOKEN'].\n",
            content_type="text/plain",
        )
    registry = REGISTRY
    if IN_PROCESSES in os.environ:
        tell()
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        for collector in ASKED:
            registry.register(collector)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _after_fork() -> None:
    # What the parent counted is the parent's to tell.
    global _lock
    _lock = threading.Lock()
    _told.update(stats.counts())
    _shown.clear()


os.register_at_fork(after_in_child=_after_fork)
