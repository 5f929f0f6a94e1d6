from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from planets.data import synthetic

from ...cache.management.arguments import whole
from ...cache.management.commands._cache import CacheCommand

MOST = 10_000_000


class Command(CacheCommand):
    help = "See to it that there are N synthetic planets, to measure with; or remove them."
    examples = """
examples:
  manage.py make_planets 100000             planets named Synthetic 1 to Synthetic 100000
  manage.py make_planets --remove           takes them, and nothing else, away again

Planet N is the same in each database. They stand in the site's own table and so on its pages: use a
database of its own. Stopped half-way, run it again: it adds what is missing.
Exit status: 0; 1 where the number is impossible.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", nargs="?", type=whole(1, MOST), metavar="N")
        parser.add_argument("--remove", action="store_true", help="Remove the synthetic planets.")

    def handle(self, *args: Any, **options: Any) -> None:
        number, remove = options["number"], options["remove"]
        if (number is None) != remove:
            raise CommandError("Name how many planets to make, or --remove.")
        there = synthetic.present()
        work = synthetic.remove() if remove else synthetic.make(number)
        total = there if remove else max(0, number - there)
        quiet = options["verbosity"] == 0 or not sys.stderr.isatty()
        done = 0
        with Progress(console=Console(stderr=True), disable=quiet) as progress:
            task = progress.add_task("Removing" if remove else "Making", total=total)
            for count in work:
                done += count
                progress.advance(task, count)
        if options["format"] == "json":
            self.print_json(
                {"removed" if remove else "added": done, "present": synthetic.present()}
            )
        elif options["verbosity"]:
            word = "removed" if remove else "added"
            self.stdout.write(f"{done} {word}; there are {synthetic.present()} synthetic planets.")
