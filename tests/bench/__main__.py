"""Run the benchmark: `python -m tests.bench [--quick] [--rounds N] [--output docs]`.

Rounds are interleaved: in each, every contender does each piece of work once, one at a time and in
another order, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.support import servers

from . import chart, report, served
from .site import prepared, told

ROOT = Path(__file__).resolve().parent.parent.parent
CONTENDERS = ("orm", "cachalot", "cacheops", "by_hand", "tutorial", "ours", "near", "raw", "dict")
UNCACHED = ("orm",)
FAR = ("orm", "cachalot", "cacheops", "ours", "near")
# Piece of work to calls a round.
HITS = dict.fromkeys(
    ("list_8", "list_8_kept", "get", "record", "count", "join", "aggregate", "value_8"), 16
)
HITS |= {"list_100": 8}
OWN = [f"own_{work}" for work in HITS if work != "value_8"]
HITS |= dict.fromkeys(OWN, 8)
HITS |= dict.fromkeys((f"planet_{w.removeprefix('own_')}" for w in OWN if "100" not in w), 8)
FRESH = {"miss_list_8": 8, "miss_get": 8, "miss_record": 8, "save": 4, "save_5": 4}
PAGES = dict.fromkeys(("page_home", "page_planet", "page_moons", "page_compare"), 6)
PAGES |= {"page_304": 16, "page_nothing": 16}
FAR_HITS = dict.fromkeys(("list_8", "get", "record", "count"), 8)
INVALIDATIONS = (10, 100_000)
QUICK = 3  # rounds
FIGURES_BEGIN, FIGURES_END = "<!-- figures of the last run -->", "<!-- end of figures -->"
THREADS = (1, 4, 16)
MEMORY = {"list_8": 190, "list_100": 190, "get": 190, "record": 190}


class Worker:
    """A contender's process."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.worker"],
            cwd=ROOT,
            env={**environment, "BENCH_CONTENDER": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.works: list[str] = self.ask("offers")

    def ask(self, method: str, *arguments: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            raise RuntimeError(f"{self.name} failed at {method}{tuple(arguments)!r}; see above.")
        return json.loads(reply)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Run:
    """All samples of a run: section, piece of work, contender."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.samples: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )

    def interleave(
        self,
        section: str,
        workers: Sequence[Worker | served.Site],
        rounds: int,
        works: dict[str, tuple[str, list[Any]]],
    ) -> None:
        """`works` is the column's name to (piece of work that must be on offer, what to ask)."""
        for number in range(rounds):
            for title, (work, question) in works.items():
                turn = number % len(workers)
                for worker in (*workers[turn:], *workers[:turn]):
                    if work in worker.works:
                        took = worker.ask(*question)
                        self.samples[section][title][worker.name].append(took)
            say(f"{section}: round {number + 1} of {rounds}")
        say("")


def say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def check_answers(workers: list[Worker]) -> int:
    """Every contender must give the same rows as the ORM, loaded and as a hit.

    And a hit must be one: who is set up so that it keeps nothing is no peer.
    """
    checked = 0
    for work in HITS:
        reference, right = None, None
        for worker in workers:
            if work not in worker.works:
                continue
            answers, statements = worker.ask("answer", work)
            if statements and worker.name not in UNCACHED:
                raise SystemExit(f"{worker.name} keeps nothing of {work}: {statements} statements.")
            if right is None:
                reference, right = worker.name, answers[0]
            if work.endswith("record") and worker is workers[0]:
                continue
            for answer in answers:
                if answer != right:
                    raise SystemExit(
                        f"{worker.name} and {reference} differ in {work}:\n{answer}\n{right}"
                    )
                checked += 1
    return checked


def measure(run: Run, environment: dict[str, str], mariadb_port: int) -> dict[str, str]:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(name, environment | redis_of(environment, number)))
            for number, name in enumerate(CONTENDERS)
        ]
        setups = {worker.name: worker.ask("setup") for worker in workers}
        print(f"{check_answers(workers)} answers are equal.", flush=True)
        few = max(QUICK, run.rounds // 6)
        run.interleave(
            "hit", workers, run.rounds, {w: (w, ["hits", w, n]) for w, n in HITS.items()}
        )
        run.interleave(
            "fresh", workers, run.rounds, {w: (w, ["fresh_calls", w, n]) for w, n in FRESH.items()}
        )
        pages = [worker for worker in workers if worker.name not in ("tutorial", "raw", "dict")]
        run.interleave(
            "page", pages, run.rounds, {w: (w, ["hits", w, n]) for w, n in PAGES.items()}
        )
        made = [worker for worker in workers if worker.name in served.SERVED]
        run.interleave(
            "page made",
            made,
            run.rounds,
            {
                "miss_page": ("miss_page", ["fresh_calls", "miss_page", 4]),
                "stale_page": ("stale_page", ["stale_calls", "stale_page", 4]),
            },
        )
        for threads in THREADS:
            run.interleave(
                f"{threads} threads",
                workers,
                few,
                {w: (w, ["throughput", w, threads, 400 // threads]) for w in ("list_8", "record")},
            )
        run.interleave(
            "push",
            [worker for worker in workers if worker.name == "near"],
            few,
            {
                "while it idles": ("list_8_kept", ["push", False]),
                "while it serves": ("list_8_kept", ["push", True]),
            },
        )
        keepers = [worker for worker in pages if worker.name != "orm"]
        keepers += [worker for worker in workers if worker.name == "tutorial"]
        run.interleave("memory", keepers, 2, {w: (w, ["memory", w, n]) for w, n in MEMORY.items()})
        run.interleave(
            "invalidation",
            workers,
            few,
            {
                f"{n:,}": ("invalidate", ["invalidation", n])
                for n in (INVALIDATIONS if run.rounds > QUICK else (10, 1000))
            },
        )
    with ExitStack() as stack:
        proxy = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.latency", str(mariadb_port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(proxy.wait)
        assert proxy.stdin
        assert proxy.stdout
        stack.callback(proxy.stdin.close)
        far = environment | {"DB_PORT": proxy.stdout.readline().strip()}
        workers = [
            stack.enter_context(Worker(name, far | redis_of(environment, number)))
            for number, name in enumerate(FAR, start=len(CONTENDERS))
        ]
        run.interleave(
            "far hit",
            workers,
            few * 2,
            {w: (w, ["hits", w, n]) for w, n in FAR_HITS.items()},
        )
        run.interleave(
            "far fresh",
            workers,
            few * 2,
            {w: (w, ["fresh_calls", w, 8]) for w in ("miss_list_8", "save")},
        )
    measure_served(run, environment)
    return setups


def measure_served(run: Run, environment: dict[str, str]) -> None:
    """Requests a second; nothing where wrk is not installed."""
    if served.wrk() is None:
        print("Nothing was asked by wrk, which is not installed: apt-get install wrk", flush=True)
        return
    rounds, seconds = (QUICK if run.rounds <= QUICK else 15), 1
    first = len(CONTENDERS) + len(FAR) - 1
    for workers in served.WORKERS:
        with ExitStack() as stack:
            sites = [
                stack.enter_context(
                    served.Site(name, environment | redis_of(environment, number), workers)
                )
                for number, name in enumerate(served.SERVED, start=first)
            ]
            for site in sites:
                site.wait()
                for work in site.works:
                    site.ask(work, 1)  # each worker compiles its templates, and the cache fills
            asked = {w: (w, [w, seconds]) for w in served.ADDRESSES}
            run.interleave(f"served by {workers}", sites, rounds, asked)


def redis_of(environment: dict[str, str], number: int) -> dict[str, str]:
    """A database of one Redis for each contender."""
    return {"REDIS_URL": environment["REDIS_URL"].removesuffix("/0") + f"/{number}"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="of each piece of work")
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds: for a look, not for figures"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="bench.json, speed.svg")
    options = parser.parse_args()
    run = Run(QUICK if options.quick else options.rounds)
    with servers.MariaDB(tcp=True) as mariadb, servers.Redis(tcp=True) as redis:
        environment = prepared(mariadb, redis.url)
        version = told(mariadb, "SELECT VERSION()")
        setups = measure(run, environment, mariadb.port)
        with redis.client() as connection:
            redis_version = connection.info("server")["redis_version"]
    result = report.Report.of(
        run.samples,
        setups,
        {
            "rounds": str(run.rounds),
            "Python": platform.python_version(),
            "MariaDB": version,
            "Redis": redis_version,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            # Well above the run's own 1 to 2, others were at work, and only ratios mean something.
            "load average": f"{os.getloadavg()[2]:.1f}",
        },
    )
    print(result.table())
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "bench.json").write_text(result.json())
    chart.draw(result, options.output / "speed.svg")
    page = options.output / "speed.md"
    if page.exists():
        head, _, tail = page.read_text().partition(FIGURES_BEGIN)
        _, _, tail = tail.partition(FIGURES_END)
        figures = f"{FIGURES_BEGIN}\n\n{result.markdown()}\n\n{FIGURES_END}"
        page.write_text(head + figures + tail)


if __name__ == "__main__":
    main()
