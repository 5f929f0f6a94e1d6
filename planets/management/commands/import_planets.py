from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from planets.data.catalogues import File, NoCatalogue
from planets.data.importing import Report, put

from ...cache.management.commands._cache import CacheCommand


class Command(CacheCommand):
    help = "Put the planets of a catalogue's CSV into the table, by their names."
    examples = """
examples:
  manage.py import_planets PSCompPars.csv --dry-run    say what would be done
  manage.py import_planets PSCompPars.csv              do it

The file is the NASA Exoplanet Archive's or the Open Exoplanet Catalogue's; its header says which.
What an editor or another catalogue gave a planet stays. Stopped half-way, run it again: it goes on.
Exit status: 0; 1 where the file is none of these.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="Write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file = File(options["file"])
        except NoCatalogue as error:
            raise CommandError(str(error)) from error
        report, dry = Report(), options["dry_run"]
        quiet = options["verbosity"] == 0 or not sys.stderr.isatty()
        with Progress(console=Console(stderr=True), disable=quiet) as bar:
            task = bar.add_task(f"Importing {file.catalogue.name}", total=file.total)
            for count in put(file.rows(report), file.catalogue.source, report, dry=dry):
                bar.advance(task, count)
        counts = {name: getattr(report, name) for name in ("added", "changed", "unchanged", "bad")}
        if options["format"] == "json":
            self.print_json(counts | {"complaints": report.complaints, "dry_run": dry})
        elif options["verbosity"]:
            for complaint in report.complaints:
                self.stdout.write(f"Left out: {complaint}.")
            if report.bad > len(report.complaints):
                self.stdout.write(f"Left out: {report.bad - len(report.complaints)} more.")
            told = ", ".join(f"{count} {name}" for name, count in counts.items())
            self.stdout.write(f"{file.catalogue.name}: {told}.{' Nothing was written.' * dry}")
