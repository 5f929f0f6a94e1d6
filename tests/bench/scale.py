"""What a page takes of each part of the site, and so how far each part goes: `make scale`.

    python -m tests.bench.scale [--seconds 4] [--rounds 3]

gunicorn with 1, 2 and 4 workers serves the site on one Redis and on clusters of 1, 2 and 3
primaries, all on this machine and on loopback, and wrk asks for pages that are cached. How many a
second that makes is true of this machine alone. What travels is what a page takes: processor time
of gunicorn and of Redis as the system counts it, and what Redis counts itself: round trips (events
in which it read from a connection), commands, bytes, and the share of the node that has most to do.
docs/scaling.md says from these what to buy. Writes docs/scale.json, and the table into that page.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tests.support import servers
from tests.support.cluster import Cluster

from . import served
from .site import prepared

ROOT = Path(__file__).resolve().parents[2]
PRIMARIES = (1, 2, 3)
PAGES = {"home": "served_home", "planet": "served_planet"}
BESIDE = {"ours": "", "near": ", near", "orm": ", no cache"}
TICKS = os.sysconf("SC_CLK_TCK")
# What is to be bought for: pages a second, and how much of a processor is used of it at most.
DEMANDS, BUSY = (1_000, 10_000, 100_000), 0.6
BEGIN, END = "<!-- figures of the last run -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Spent:
    """By all processes so far, or of one page."""

    python: float  # seconds of a processor, of gunicorn's workers
    redis: float  # the same, of all nodes
    trips: float
    commands: float
    read: float  # bytes that Redis was sent
    sent: float  # bytes that it answered
    hottest: float  # seconds of a processor, of the node that has most to do

    def since(self, before: Spent, pages: float) -> Spent:
        then = asdict(before)
        return Spent(**{name: (now - then[name]) / pages for name, now in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class Row:
    backend: str
    workers: int
    page: str
    rate: float  # pages a second, on this machine
    spent: Spent  # of a page


class Backend:
    """One Redis, or the primaries of a cluster."""

    def __init__(self, name: str, url: str, nodes: Sequence[servers.Redis]) -> None:
        self.name, self.url, self.nodes = name, url, nodes

    def spent(self, site: served.Site) -> Spent:
        told: list[dict[str, Any]] = []
        for node in self.nodes:
            with node.client() as direct:
                told.append(direct.info())
        cpu = [info["used_cpu_user"] + info["used_cpu_sys"] for info in told]
        return Spent(
            python=sum(map(cpu_seconds, workers_of(site.process.pid))),
            redis=sum(cpu),
            trips=sum(info["total_reads_processed"] for info in told),
            commands=sum(info["total_commands_processed"] for info in told),
            read=sum(info["total_net_input_bytes"] for info in told),
            sent=sum(info["total_net_output_bytes"] for info in told),
            hottest=max(cpu),
        )


def workers_of(master: int) -> list[int]:
    return list(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))


def cpu_seconds(pid: int) -> float:
    """As `ps` tells it: of the process and all its threads."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS


@contextmanager
def backends() -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        one = stack.enter_context(servers.Redis(tcp=True))
        found = [Backend("one Redis", one.url, [one])]
        for number in PRIMARIES:
            cluster = stack.enter_context(Cluster(number, replicas=False))
            url = "redis+cluster://" + ",".join(f"127.0.0.1:{n.port}" for n in cluster.nodes)
            name = f"cluster of {number}"
            found.append(Backend(name, url, cluster.nodes))
        yield found


def measure(
    backend: Backend, contender: str, workers: int, environment: dict[str, str], seconds: int
) -> Iterator[Row]:
    """A row for each page. The site has been asked for it before, by each worker most likely."""
    name = backend.name + BESIDE[contender]
    with served.Site(contender, environment | {"REDIS_URL": backend.url}, workers) as site:
        site.wait()
        for page, work in PAGES.items():
            site.ask_at_once(work, 1)
            before = backend.spent(site)
            rate = site.ask_at_once(work, seconds)
            spent = backend.spent(site).since(before, rate * seconds)
            yield Row(name, workers, page, rate, spent)


def medians(rows: Sequence[Row]) -> list[Row]:
    """One row of all rounds."""
    same: dict[tuple[str, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        same[row.backend, row.workers, row.page].append(row)
    return [
        Row(*name, statistics.median(row.rate for row in group), Spent(**{
            field.name: statistics.median(getattr(row.spent, field.name) for row in group)
            for field in fields(Spent)
        }))
        for name, group in same.items()
    ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| | workers | page | pages/s here | gunicorn | Redis | of it the hottest node | "
        "round trips | commands | bytes asked | bytes answered |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        spent = row.spent
        share = spent.hottest / spent.redis if spent.redis else 0
        lines.append(
            f"| {row.backend} | {row.workers} | {row.page} | {row.rate:,.0f} "
            f"| {spent.python * 1e6:,.0f} µs | {spent.redis * 1e6:,.0f} µs | {share:.0%} "
            f"| {spent.trips:.1f} | {spent.commands:.1f} | {spent.read:,.0f} | {spent.sent:,.0f} |"
        )
    return "\n".join(lines)


def purchase(rows: Sequence[Row]) -> str:
    """What the demands take, by what the planet's page takes with two workers."""
    lines = [
        "| pages a second | on | gunicorn, processors | busiest Redis, of one processor | "
        "network of Redis |",
        "| ---: | --- | ---: | ---: | ---: |",
    ]
    for demand in DEMANDS:
        for row in rows:
            if (row.workers, row.page) == (2, "planet"):
                spent = row.spent
                lines.append(
                    f"| {demand:,} | {row.backend} | {max(1, demand * spent.python / BUSY):,.0f} "
                    f"| {demand * spent.hottest:.0%} "
                    f"| {demand * (spent.read + spent.sent) * 8 / 1e6:,.0f} Mbit/s |"
                )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.scale", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    options = parser.parse_args()
    if served.wrk() is None:
        print("wrk is needed to load the site: apt-get install wrk", file=sys.stderr)
        return 1
    rows: list[Row] = []
    with servers.MariaDB(tcp=True) as mariadb, backends() as found:
        environment = prepared(mariadb, found[0].url)
        kinds = [(backend, "ours") for backend in found]
        kinds += [(found[0], "near"), (found[0], "orm")]
        for number in range(options.rounds):
            for workers in served.WORKERS:
                for backend, contender in kinds:
                    rows += measure(backend, contender, workers, environment, options.seconds)
            print(f"round {number + 1} of {options.rounds}", flush=True)
    told = medians(rows)
    figures = f"{table(told)}\n\n{purchase(told)}"
    print(figures)
    (options.output / "scale.json").write_text(
        json.dumps([asdict(row) for row in told], indent=1) + "\n"
    )
    page = options.output / "scaling.md"
    if page.exists():
        head, _, tail = page.read_text().partition(BEGIN)
        _, _, tail = tail.partition(END)
        page.write_text(f"{head}{BEGIN}\n\n{figures}\n\n{END}{tail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
