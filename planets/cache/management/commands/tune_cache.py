from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ...instruments.account import sharing
from ...lab import paper, tuning
from ...lab.account_workload import from_account
from ...lab.private_server import NoServer
from ...lab.recommendation import megabytes, recommend
from ...lab.replay import Outcome, Setup
from ...lab.sizes import record_sizes
from ...lab.sweep import POLICIES, base_memory, cells, check, memories, setups, sweep
from ...lab.workload import NoWorkload, Shape, Workload, from_log, synthetic
from ..progress import progress
from ._cache import CacheCommand

NAME = "tune_cache.html"
UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
HOURS = 2  # of the account that --advice replays
PACE = 10_000  # events a second that one server is given by default


def sizes(text: str) -> list[int]:
    found = [re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)b?", part) for part in text.lower().split(",")]
    if not all(found):
        raise ArgumentTypeError(f"is {text!r}, must be sizes of memory, as 8mb,64mb")
    return sorted({round(float(one[1]) * UNITS[one[2]]) for one in found if one})


def ttls(text: str) -> list[float]:
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(1 <= ttl <= 7 * 24 * 3600 for ttl in found):
        raise ArgumentTypeError(f"is {text!r}, must be seconds from 1 to 604800, as 60,300,1800")
    return found


def policies(text: str) -> list[str]:
    if unknown := [name for name in text.split(",") if name not in POLICIES]:
        raise ArgumentTypeError(f"is {unknown[0]!r}, must be some of {', '.join(POLICIES)}")
    return list(dict.fromkeys(text.split(",")))


class Command(CacheCommand):
    help = (
        "Find the best TTL, memory and eviction policy, by experiments on Redis servers of its own."
    )
    examples = """
examples:
  manage.py tune_cache --report out         a synthetic workload with the sizes of the real records
  manage.py tune_cache --log access.log --memory 8mb,64mb --ttl 60,600,3600
  manage.py tune_cache --advice --memory 2mb,8mb
  manage.py tune_cache --policies volatile-lfu,volatile-lru --repeats 3 --seed 2

--advice takes the account of the site's own statements.
It starts redis-server or valkey-server itself, and touches neither the configured Redis nor a row.
--log takes an access log in common or combined format, or a trace that CACHE_TRACE recorded.
Exit status: 0; 1 where a number is impossible, a log is empty, or no Redis can be started.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        shape = Shape()
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--log", type=Path, help="An access log, or a recorded trace.")
        source.add_argument(
            "--advice",
            action="store_true",
            help="What CACHE_ASIDE['ADVICE'] has kept of this hour and the one before.",
        )
        for name, kind, what in (
            ("seed", int, "Of the synthetic workload: the same seed, the same workload"),
            ("keys", int, "How many different records are read"),
            ("skew", float, "Zipf: 0 reads all alike, 1 is usual for pages"),
            ("reads", float, "Reads a second"),
            ("writes", float, "Writes a second"),
            ("seconds", float, "How long, in the workload's own time"),
        ):
            value = getattr(shape, name)
            parser.add_argument(f"--{name}", type=kind, default=value, help=f"{what} ({value:g}).")
        parser.add_argument("--memory", type=sizes, help="maxmemory, as 8mb,64mb.")
        parser.add_argument(
            "--policies", type=policies, default=list(POLICIES), help="Which (all)."
        )
        parser.add_argument(
            "--ttl", type=ttls, default=[30.0, 120.0, 300.0, 1800.0], help="(30,120,300,1800)"
        )
        parser.add_argument("--repeats", type=int, default=1, help="Runs of each setup (1).")
        parser.add_argument("--parallel", type=int, default=2, help="Servers at a time (2).")
        parser.add_argument("--speed", type=float, help="Times as fast as the workload's own time.")
        parser.add_argument("--report", type=Path, metavar="DIR", help="Write an HTML report too.")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, most in (("repeats", 20), ("parallel", 16)):
            if not 1 <= options[name] <= most:
                raise CommandError(f"--{name} is {options[name]!r}, must be 1 to {most}.")
        if options["speed"] is not None and not 0.1 <= options["speed"] <= 10_000:
            raise CommandError(f"--speed is {options['speed']!r}, must be 0.1 to 10000.")
        try:
            if options["report"]:
                paper.usable(options["report"])
            workload = self.workload(options)
            base = base_memory()
            memory = options["memory"] or memories(workload, base)
            check(memory, base)
            wanted = setups(memory, options["policies"], options["ttl"])
            speed = options["speed"] or max(1.0, PACE * workload.seconds / len(workload.events))
            outcomes = self.sweep(workload, wanted, speed, options)
            found = tuning.Tuning(workload, base, speed, cells(outcomes, wanted))
            if options["report"]:
                path = paper.write(options["report"], NAME, tuning.context(found))
        except (NoWorkload, NoServer, paper.NotWritable) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            return self.print_json(found.as_dict())
        self.print_table(found)
        if options["report"]:
            self.stdout.write(f"The report: {path}")
        return None

    def workload(self, options: dict[str, Any]) -> Workload:
        sizes = record_sizes()
        if options["advice"]:
            with self.needing_redis():
                return from_account(sharing.together(sharing.ledgers(HOURS)), sizes)
        if options["log"] is None:
            names = ("seed", "keys", "skew", "reads", "writes", "seconds")
            return synthetic(Shape(**{name: options[name] for name in names}), sizes)
        try:
            with options["log"].open(encoding="utf-8", errors="replace") as lines:
                return from_log(lines, sizes, str(options["log"]))
        except OSError as error:
            raise CommandError(f"--log cannot be read: {error}") from error

    def sweep(
        self, workload: Workload, wanted: list[Setup], speed: float, options: dict[str, Any]
    ) -> list[Outcome]:
        total = len(wanted) * options["repeats"]
        outcomes: list[Outcome] = []
        runs = sweep(
            workload, wanted,
            repeats=options["repeats"], speed=speed, parallel=options["parallel"],
        )  # fmt: skip
        quiet = options["verbosity"] == 0
        with progress(f"{total} experiments", total, quiet=quiet) as advance, closing(runs):
            for outcome in runs:
                outcomes.append(outcome)
                advance()
        return outcomes

    def print_table(self, found: tuning.Tuning) -> None:
        workload = found.workload
        self.stdout.write(
            f"{workload.source}: {workload.reads} reads in {workload.seconds:.0f} s, replayed "
            f"{found.speed:.0f} times as fast; {workload.skipped} lines skipped."
        )
        self.stdout.write(
            f"{'memory':<12}{'policy':<17}{'ttl':>7}{'hits':>9}{'spread':>8}{'loads/s':>9}"
            f"{'evicted':>9}{'expired':>9}{'refused':>9}"
        )
        for cell in found.cells:
            setup = cell.setup
            counts = "".join(f"{cell.mean(n):>9.0f}" for n in ("evicted", "expired", "refused"))
            self.stdout.write(
                f"{megabytes(setup.maxmemory):<12}{setup.policy:<17}{setup.ttl:>7g}"
                f"{cell.hit_ratio:>9.1%}{cell.spread:>8.2%}{cell.mean('loads'):>9.2f}{counts}"
            )
        advice = recommend(found.cells)
        self.stdout.write(f"\n{advice.sentence} {advice.more}\n{advice.sure}\n\n{advice.lines}")
