from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.http.request import validate_host

from ...reads import NothingToRead
from ...storage.client import client
from ...warming import JOBS, Job, Warmed, count_jobs, page_jobs, warm
from ..arguments import whole
from ..progress import progress
from ._cache import CacheCommand


def allowed_hosts() -> list[str]:
    """As a request's host is held against them."""
    return settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1"] if settings.DEBUG else [])


class Command(CacheCommand):
    help = (
        "Fill the cache before visitors come: all records, and the queries and pages that the "
        "site names in CACHE_ASIDE['READS']."
    )
    examples = """
examples:
  manage.py warm_cache                      records, queries and pages
  manage.py warm_cache pages --host www.example.org --host example.org
  manage.py warm_cache records --workers 8  the hashes of rows alone, 8 at a time
  manage.py warm_cache -v 0 || alert        from cron: silent, tells by its exit status

Each worker has a database connection of its own, so --workers bounds what the database has to do.
What is warm is not loaded again: if it was stopped, run it again.
Exit status: 0; 1 where Redis is away or something was not stored.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "what", nargs="*", metavar="WHAT", help=f"{', '.join(JOBS)}; all where left out."
        )
        parser.add_argument(
            "--host",
            action="append",
            default=[],
            help="Whose pages: a name that visitors use, as often as wanted (the first of "
            "ALLOWED_HOSTS).",
        )
        parser.add_argument(
            "--workers", type=whole(1, 64), default=4, help="How many fetch at once, 1 to 64 (4)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        what = list(dict.fromkeys(options["what"])) or list(JOBS)
        if unknown := [name for name in what if name not in JOBS]:
            raise CommandError(f"WHAT is {unknown[0]!r}, must be one of {', '.join(JOBS)}.")
        if refused := [h for h in options["host"] if not validate_host(h, allowed_hosts())]:
            raise CommandError(f"--host is {refused[0]!r}, must be one of ALLOWED_HOSTS.")
        jobs: dict[str, Callable[[], Iterator[Job]]] = {**JOBS}
        jobs["pages"] = partial(page_jobs, options["host"])
        counts = count_jobs(options["host"])
        total = sum(counts[name] for name in what)
        quiet = options["verbosity"] == 0
        try:
            with self.needing_redis():
                client.call(("PING",))
                found = chain.from_iterable(jobs[name]() for name in what)
                warmed = self.warm(found, total, options["workers"], quiet=quiet)
        except NothingToRead as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.print_json(warmed.as_dict())
        elif options["verbosity"]:
            self.stdout.write(f"{warmed.filled} filled, {warmed.warm} were warm already.")
        if warmed.missed:
            reasons = "; ".join(f"{count}: {why}" for why, count in warmed.missed.most_common(5))
            raise CommandError(f"{warmed.missed.total()} are not in the cache ({reasons}).")

    def warm(self, jobs: Iterator[Job], total: int, workers: int, *, quiet: bool) -> Warmed:
        tally = Warmed()
        with progress("Warming", total, quiet=quiet) as advance:
            for tally in warm(jobs, workers=workers):  # noqa: B007  the last is the result
                advance()
        return tally
