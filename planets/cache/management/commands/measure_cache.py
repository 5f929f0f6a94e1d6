from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.test.utils import override_settings

from ...instruments import report
from ...lab import charts, paper
from ...lab.measurement import Effort, Result, measure, steps
from ...lab.pages import page
from ...lab.space import private
from ...lab.states import STATES
from ...lab.verdict import by_state, verdicts
from ...reads import NothingToRead, Read, measured
from ...storage.client import client
from ..arguments import whole
from ..progress import progress
from ._cache import CacheCommand

NAME = "measure_cache.html"


class Command(CacheCommand):
    help = "Time the site's own reads: without cache, with an empty one, a full one, Redis away."
    examples = """
examples:
  manage.py measure_cache                   the site's reads, as a table
  manage.py measure_cache --url /cities/3/ --report out     whole pages too, and an HTML report
  manage.py measure_cache --threads 8 --seconds 10 --yes --format json

It uses the configured database, only to read, and the configured Redis, where all it does is under
keys of its own, which it removes at the end: it can be run on a live system, which it does load.
Exit status: 0; 1 where there is nothing to read, a number is impossible or Redis is away.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--url", action="append", default=[], help="A page, as /cities/3/.")
        parser.add_argument("--rounds", type=int, default=200, help="Calls of each, at most (200).")
        parser.add_argument(
            "--seconds", type=float, default=3.0, help="Time for the calls of each, about (3)."
        )
        parser.add_argument(
            "--threads", type=whole(1, 64), default=4, help="Throughput up to N (4)."
        )
        parser.add_argument("--report", type=Path, metavar="DIR", help="Write an HTML report too.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        effort = self.effort(options)
        try:
            if options["report"]:
                paper.usable(options["report"])
            # The near tier would answer for Redis; the history is about visitors.
            own = getattr(settings, "CACHE_ASIDE", {})
            quiet = {**own, "NEAR": False, "HISTORY": 0, "ENABLED": True}
            with override_settings(CACHE_ASIDE=quiet), self.needing_redis():
                client.call(("PING",))
                with private() as space:
                    reads = [*measured(), *map(page, options["url"])]
                    if not reads:
                        raise NothingToRead(
                            "Name pages by --url, or a module of reads in CACHE_ASIDE['READS']."
                        )
                    if not options["yes"]:
                        self.ask(reads, effort)
                    results = self.measure(reads, effort, space, options)
        except (NothingToRead, paper.NotWritable) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.print_json([result.as_dict() for result in results])
        else:
            self.print_table(results)
        if options["report"]:
            path = paper.write(options["report"], NAME, context(reads, results, effort))
            if options["format"] == "text":
                self.stdout.write(f"The report: {path}")

    def effort(self, options: dict[str, Any]) -> Effort:
        if not 2 <= options["rounds"] <= 1_000_000:
            raise CommandError(f"--rounds is {options['rounds']!r}, must be 2 to 1000000.")
        if not 0 < options["seconds"] <= 3600:
            raise CommandError(f"--seconds is {options['seconds']!r}, must be above 0, to 3600.")
        most = options["threads"]
        numbers = sorted({1, *(2**n for n in range(7) if 2**n < most), most})
        burst = min(0.5, options["seconds"])
        return Effort(
            rounds=options["rounds"], seconds=options["seconds"], threads=numbers, burst=burst
        )

    def ask(self, reads: list[Read], effort: Effort) -> None:
        most = steps(reads) * (effort.seconds + len(effort.threads) * effort.burst)
        self.stderr.write(
            f"{len(reads)} reads in {len(STATES)} states, with up to {max(effort.threads)} "
            f"threads, for up to about {most / 60:.0f} minutes. It reads the database "
            "as fast as it can, and in Redis uses keys of its own, removed at the end. Nothing "
            "else is changed."
        )
        try:
            if input("Go on? [y/N] ").strip().lower() in ("y", "yes"):
                return
        except EOFError:
            pass
        raise CommandError("Nothing was measured. With --yes it does not ask.")

    def measure(
        self, reads: list[Read], effort: Effort, space: Any, options: dict[str, Any]
    ) -> list[Result]:
        results: list[Result] = []
        quiet = options["verbosity"] == 0
        with progress("Measuring", steps(reads), quiet=quiet) as advance:
            for result in measure(reads, effort, space):
                results.append(result)
                advance(f"{result.state}: {result.read}")
        return results

    def print_table(self, results: list[Result]) -> None:
        most = max(max(result.throughput, default=1) for result in results)
        rows: list[report.Row] = [
            (
                *("read", "state", "median", "p95", "p99", "calls/s", f"x{most}"),
                *("queries", "Redis", "bytes"),
            )
        ]
        for result in results:
            times = (f"{time:,.2f} ms" for time in (result.median, result.p95, result.p99))
            speeds = (
                f"{result.throughput[n]:.0f}" if n in result.throughput else "" for n in (1, most)
            )
            asked = map(str, (result.queries, result.commands, result.bytes))
            rows.append((result.read, result.state, *times, *speeds, *asked))
        for line in report.table(rows, right=range(2, 10)):
            self.stdout.write(line)
        for verdict in verdicts(results):
            self.stdout.write(f"{verdict.read}: {verdict.text}")


def context(reads: list[Read], results: list[Result], effort: Effort) -> dict[str, Any]:
    """What the template shows."""
    names = [read.name for read in reads]
    medians = {state: [r.median for r in group] for state, group in by_state(results).items()}
    throughputs = [
        charts.lines(
            f"{name}: calls a second",
            [f"{n} thread{'s' * (n > 1)}" for n in effort.threads],
            {
                r.state: [r.throughput[n] for n in effort.threads]
                for r in results
                if r.read == name and r.throughput
            },
            "/s",
            small=True,
        )
        for name in names
    ]
    return {
        "reads": reads,
        "states": STATES,
        "effort": effort,
        "results": results,
        "verdicts": verdicts(results),
        "medians": charts.bars("Median of one call, in ms (logarithmic)", names, medians, "ms"),
        "throughputs": throughputs,
    }
