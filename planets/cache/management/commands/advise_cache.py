from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from ...conf import conf
from ...instruments.account.ledger import Ledger
from ...instruments.wording import span
from ...lab import advisor, server_digests, slow_log
from ...lab.advice import Advice
from ...lab.advisor import HOURS, Report
from ...lab.evidence import Scan
from ._cache import CacheCommand

SHOWN_SQL = 300  # characters


class Command(CacheCommand):
    help = "Say which queries are worth caching, which are not, and what each costs."
    examples = """
examples:
  manage.py advise_cache                        from the account of the last 24 hours
  manage.py advise_cache --since 1 --limit 5    of this hour and the one before, the best five
  manage.py advise_cache --performance-schema   with what the server counts: rows read for rows sent
  manage.py advise_cache --log slow.log         from MySQL's slow log alone
  manage.py advise_cache --format json | jq '.advice[].sentence'

CACHE_ASIDE["ADVICE"] keeps the account. It reads only.
Exit status: 0; 1 where Redis is away, a log cannot be read, or there is nothing to go by.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--since", type=int, default=HOURS, metavar="HOURS", help=f"How far back ({HOURS})."
        )
        parser.add_argument("--limit", type=int, default=20, help="How many at most (20).")
        parser.add_argument("--log", type=Path, help="MySQL's slow log, instead of the account.")
        parser.add_argument(
            "--performance-schema", action="store_true", help="Ask the server what it counts, too."
        )
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=list(connections),
            help=f"Which server ({DEFAULT_DB_ALIAS}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["since"] <= HOURS:
            raise CommandError(f"--since is {options['since']!r}, must be 1 to {HOURS} hours.")
        if options["limit"] < 1:
            raise CommandError(f"--limit is {options['limit']!r}, must be 1 or more.")
        found = self.report(options)
        del found.advice[options["limit"] :]
        if options["format"] == "json":
            self.print_json(found.as_dict())
        else:
            self.stdout.write("\n".join(self.lines(found)))

    def report(self, options: dict[str, Any]) -> Report:
        if options["log"]:
            return self.of_log(options["log"])

        def scans(ledger: Ledger) -> Mapping[str, Scan]:
            return server_digests.scans(ledger, options["database"])

        try:
            with self.needing_redis():
                hours = min(options["since"] + 1, HOURS)  # the one that has begun is not whole
                found = advisor.report(hours, scans if options["performance_schema"] else None)
        except server_digests.NotCounted as error:
            raise CommandError(str(error)) from error
        if not found.ledger.lines:
            switch = "" if conf().ADVICE else ': set CACHE_ASIDE["ADVICE"] = True'
            raise CommandError(f"No process has told of a statement yet{switch}.")
        return found

    def of_log(self, path: Path) -> Report:
        try:
            with path.open(encoding="utf-8", errors="surrogateescape") as lines:
                log = slow_log.read(lines)
        except OSError as error:
            raise CommandError(f"--log cannot be read: {error}") from error
        if not log.ledger.lines:
            raise CommandError(f"{path} has no statement of a slow log that could be read.")
        if log.skipped:
            self.stderr.write(f"{log.skipped} statements could not be read.")
        return advisor.of(log.ledger, log.scans)

    def lines(self, found: Report) -> Iterator[str]:
        reads, writes = len(found.ledger.of("read")), len(found.ledger.of("write"))
        heard = span(found.ledger.hours * 3600)
        yield f"Statements heard of in {heard}: {reads} to read, {writes} to write."
        if computed := len(found.ledger.of("computed")):
            yield f"Pages, fragments and values: {computed}."
        if not found.advice:
            yield "There is nothing to advise."
        for number, advice in enumerate(found.advice, start=1):
            yield ""
            yield from self.one(number, advice)

    def one(self, number: int, advice: Advice) -> Iterator[str]:
        yield f"{number}. {advice.sentence}"
        short = advice.statement[:SHOWN_SQL]
        yield f"   {short}{'…' if short != advice.statement else ''}"
        yield from (f"   - {line}" for line in advice.arithmetic)
