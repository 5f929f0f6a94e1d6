from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from itertools import chain
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from ...storage.client import client
from ...warming import JOBS, Warmed, count_jobs, warm
from ._cache import CacheCommand


def workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


class Command(CacheCommand):
    help = (
        "Fill the cache before visitors come: all records, and the queries that the site names "
        "in CACHE_ASIDE['READS']."
    )
    examples = """
examples:
  manage.py warm_cache                      records and queries
  manage.py warm_cache records --workers 8  the hashes of rows alone, 8 at a time
  manage.py warm_cache -v 0 || alert        from cron: silent, tells by its exit status

Each worker has a database connection of its own, so --workers bounds what the database has to do.
What is warm is not loaded again: if it was stopped, run it again.
Exit status: 0; 1 where Redis is away or something was not stored.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "what", nargs="*", metavar="WHAT", help=f"{' or '.join(JOBS)}; both where left out."
        )
        parser.add_argument(
            "--workers", type=workers, default=4, help="How many fetch at once, 1 to 64 (4)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        what = list(dict.fromkeys(options["what"])) or list(JOBS)
        if unknown := [name for name in what if name not in JOBS]:
            raise CommandError(f"There is no {unknown[0]!r} to warm, only {' and '.join(JOBS)}.")
        with self.needing_redis():
            client.call(("PING",))
            warmed = self.warm(what, options["workers"], quiet=options["verbosity"] == 0)
        if options["format"] == "json":
            self.print_json(warmed.as_dict())
        elif options["verbosity"]:
            self.stdout.write(f"{warmed.filled} filled, {warmed.warm} were warm already.")
        if warmed.missed:
            reasons = "; ".join(f"{count}: {why}" for why, count in warmed.missed.most_common(5))
            raise CommandError(f"{warmed.missed.total()} are not in the cache ({reasons}).")

    def warm(self, what: list[str], workers: int, *, quiet: bool) -> Warmed:
        counts = count_jobs()
        console = Console(stderr=True)
        tally = Warmed()
        quiet = quiet or not sys.stderr.isatty()
        with Progress(console=console, disable=quiet) as progress:
            task = progress.add_task("Warming", total=sum(counts[name] for name in what))
            jobs = chain.from_iterable(JOBS[name]() for name in what)
            for tally in warm(jobs, workers=workers):  # noqa: B007  the last is the result
                progress.advance(task)
        return tally
