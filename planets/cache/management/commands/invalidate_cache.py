from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from ... import invalidate
from ...instruments import feed
from ...invalidation import drop, reach
from ...storage.client import client
from ...writing.stale import Touched
from ..targets import is_entry, parse
from ._cache import CacheCommand


class Command(CacheCommand):
    help = (
        "Make cached entries stale: of one row, of a table, one by its key, or all.\n"
        "Writes through Django do so by themselves; this is for what changed behind its back."
    )
    # Some ask the database, which may be away; making entries stale must not wait for it.
    requires_system_checks: Any = ()
    examples = """
examples:
  manage.py invalidate_cache city:3         the record city:3, and every query on its table
  manage.py invalidate_cache city country   every record and every query on these tables
  manage.py invalidate_cache page:9f2c...   this one entry: a page, a fragment, a value, a query
  manage.py invalidate_cache --everything   all entries of the database
  manage.py invalidate_cache city --dry-run     which keys it would move

It lists the keys that it moved: gates (gen:...), whose entries no fetch takes any more, and records
that it deleted. Nothing is read or deleted one by one, so it takes the same time whatever the size
of the cache. Exit status: 0; 1 where a name is unknown or Redis is away.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("targets", nargs="*", metavar="TABLE, TABLE:ID or KEY")
        parser.add_argument("--everything", action="store_true", help="All entries.")
        parser.add_argument("--dry-run", action="store_true", help="Only say which keys.")
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=list(connections),
            help=f"Whose entries ({DEFAULT_DB_ALIAS}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        using, everything = options["database"], options["everything"]
        if bool(options["targets"]) == everything:
            raise CommandError("Name tables or records, as city or city:3, or --everything.")
        try:
            entries = [text for text in options["targets"] if is_entry(text)]
            targets = [parse(text, using) for text in options["targets"] if text not in entries]
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        touched = Touched()
        if targets or everything:
            touched = reach(*targets, everything=everything, using=using)
        if not options["dry_run"]:
            with self.needing_redis():
                client.call(("PING",))
                if entries:
                    drop(*entries)
            if touched:
                touched = invalidate(*targets, everything=everything, using=using)
            feed.tell()  # no request will
            if client.debt:
                # This process ends now, so nobody would repeat it.
                raise CommandError(
                    f"Redis went away: not all was invalidated ({client.breaker.reason}). "
                    "Run it again."
                )
        keys = [*entries, *sorted(touched.records), *sorted(touched.gates)]
        if options["format"] == "json":
            self.print_json({"dry_run": options["dry_run"], "keys": keys})
        elif options["verbosity"]:
            done = "Would invalidate" if options["dry_run"] else "Invalidated"
            self.stdout.write("\n".join(f"{done} {key}" for key in keys))
