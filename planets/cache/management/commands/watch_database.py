from __future__ import annotations

import json
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from ...extras import extra
from ...instruments import feed
from ..arguments import seconds
from ._cache import CacheCommand

DRAW = 0.25  # seconds between two drawings of the line
SAY = 10.0  # seconds between two lines elsewhere


class Command(CacheCommand):
    help = (
        "Follow the database's binlog, so that writes from outside of Django make entries stale.\n"
        "One works at a time; another one waits, and takes over within seconds."
    )
    # They ask the database, which may be away; the watcher waits for it.
    requires_system_checks: Any = ()
    examples = """
examples:
  manage.py watch_database                  until Ctrl-C or SIGTERM
  manage.py watch_database --check          what the server and its user lack for it
  manage.py watch_database --audit          invalidate nothing; at the end, say which writes came
                                            from outside (set CACHE_ASIDE["MARK"] for it)
  manage.py watch_database --audit --seconds 60 --format json

Its user, and how it reaches the database if other than the site, are CACHE_ASIDE["WATCH"].
Exit status: 0; 1 where it cannot begin, where --check misses what it cannot do without, and where
--audit has found writes from outside.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="Only say what is missing.")
        what.add_argument("--audit", action="store_true", help="Invalidate nothing, and report.")
        parser.add_argument(
            "--seconds", type=seconds(0.1, 604_800), help="With --audit: for how long."
        )
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=list(connections),
            help=f"Whose binlog ({DEFAULT_DB_ALIAS}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with extra("watch"):
            from ...watching import source

        self.as_json = options["format"] == "json"
        self.drawn = self.said = 0.0
        alias = options["database"]
        try:
            origin = source.Source(alias)
            databases = source.databases(alias)
            if options["check"] or options["audit"]:
                origin.connect()
                self.say_what_is_missing(origin, databases, quiet=options["audit"])
            if options["audit"]:
                self.audit(origin, databases, options["seconds"])
            elif not options["check"]:
                self.watch(alias, databases)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except source.BinlogOff as error:
            raise CommandError(f"The server writes no binlog: {error}.") from error
        except source.LOST as error:
            raise CommandError(f"The database is not reachable: {error}") from error

    def say_what_is_missing(
        self, origin: Any, databases: Mapping[str, str], *, quiet: bool
    ) -> None:
        from ...watching.needs import missing

        found = list(missing(origin, databases))
        fatal = [need.text for need in found if need.fatal]
        if fatal:
            raise CommandError("\n".join(fatal))
        if not quiet:
            for need in found:
                self.stdout.write(need.text)
            self.stdout.write("Nothing is missing." if not found else "It can be watched.")

    def watch(self, alias: str, databases: Mapping[str, str]) -> None:
        from ...watching.watcher import Watcher

        self.watcher = watcher = Watcher(alias, databases, self.tell)
        self.until_stopped(watcher)
        watcher.run()
        if self.drawn:
            self.stdout.write("")

    def audit(self, origin: Any, databases: Mapping[str, str], during: float | None) -> None:
        from ...watching.audit import Audit
        from ...watching.needs import tells_statements

        if lacks := tells_statements(origin):
            raise CommandError(f"The binlog does not tell whose a write is: set {lacks}.")
        audit = Audit(origin, databases)
        self.until_stopped(audit)
        audit.run(during)
        if self.as_json:
            self.print_json(audit.as_dict())
        else:
            self.stdout.write("\n".join(audit.lines()))
        if audit.outside:
            sys.exit(1)

    def until_stopped(self, what: Any) -> None:
        """Ctrl-C and SIGTERM end it in order: what has been read is finished."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *args: what.stopping.set())

    # --- telling

    def tell(self, what: str, more: Mapping[str, Any]) -> None:
        """Something has happened (`what`), or some time has passed."""
        feed.tell()  # of what it has invalidated; nothing, most times
        now = time.monotonic()
        at = datetime.now().astimezone().isoformat(timespec="milliseconds")
        drawing = self.stdout.isatty() and not self.as_json
        if what:
            words = " ".join(f"{name}={value!r}" for name, value in more.items())
            line = json.dumps({"at": at, "event": what, **more}) if self.as_json else ""
            self.say(line or f"{at} {what} {words}".rstrip(), erase=drawing)
        elif drawing and now > self.drawn + DRAW:
            self.drawn = now
            self.stdout.write(f"\r\x1b[K{self.watcher.state.words()}", ending="")
            self.stdout.flush()
        elif not drawing and now > self.said + SAY:
            self.said = now
            state = self.watcher.state
            if self.as_json:
                self.say(json.dumps({"at": at, "event": "state", **json.loads(state.text())}))
            else:
                self.say(f"{at} state {self.watcher.state.words()}")

    def say(self, line: str, *, erase: bool = False) -> None:
        self.stdout.write(("\r\x1b[K" if erase else "") + line)
        self.stdout.flush()  # a pipe would wait for more
