from __future__ import annotations

import json
import shutil
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NoReturn

from django.core.management.base import CommandError

from ...extras import extra
from ...instruments import report
from ...instruments.browsing import FIRST, Wanted, browse
from ...instruments.inspection import opened
from ...instruments.keyspace import Key
from ...instruments.overview import overview
from ...instruments.screen import HEIGHT, WIDTH, screen
from ...storage.errors import Unavailable
from ..arguments import seconds, whole
from ._cache import CacheCommand


class Command(CacheCommand):
    help = "Show the cache: the server, the hit ratio, what is in it; or its keys, or one key."
    examples = """
examples:
  manage.py show_cache                      the whole at one look
  manage.py show_cache --watch              on one screen, again every 2 seconds; Ctrl-C ends it
  manage.py show_cache --keys 'sql:*'       keys by a pattern (* any text, ? any character)
  manage.py show_cache --key city:3         one key: content, TTL, whether it is current
  manage.py show_cache --format json | jq .hit_ratio.hour

It reads only, by SCAN and in bounded steps, so it can be run on a busy server.
Exit status: 0; 1 where Redis is away or the key is not there.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--keys", metavar="PATTERN", help="List keys that match a pattern.")
        what.add_argument("--key", metavar="KEY", help="Show one key.")
        what.add_argument(
            "--watch",
            nargs="?",
            type=seconds(0.1, 3600),
            const=2.0,
            metavar="SECONDS",
            help="Show it on one screen, again and again (every 2 seconds). With JSON: a line each "
            "time.",
        )
        parser.add_argument(
            "--limit",
            type=whole(1, 1_000_000),
            default=100,
            help="With --keys: how many at most (100).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["format"] == "json"
        if options["watch"]:
            return self.watch(options["watch"], as_json=as_json)
        with self.needing_redis():
            if options["key"] is not None:
                self.show_key(options["key"], as_json=as_json)
            elif options["keys"] is not None:
                self.show_keys(options["keys"], options["limit"], as_json=as_json)
            elif as_json:
                self.print_json(overview().as_dict())
            else:
                self.print_lines(report.overview(overview()))
        return None

    def print_lines(self, lines: Iterator[str]) -> None:
        self.stdout.write("\n".join(lines))

    def show_key(self, name: str, *, as_json: bool) -> None:
        try:
            found = opened(name)
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        if found is None:
            raise CommandError(f"There is no key {name!r}.")
        if as_json:
            self.print_json(found.as_dict())
        else:
            self.print_lines(report.opened(found))

    def show_keys(self, pattern: str, limit: int, *, as_json: bool) -> None:
        found: dict[bytes, Key] = {}
        cursor = FIRST
        while cursor and len(found) < limit:
            page = browse(Wanted(text=pattern), cursor)
            found |= {key.raw: key for key in page.keys}
            cursor = page.cursor
        shown = list(found.values())[:limit]
        if as_json:
            return self.print_json([key.as_dict() for key in shown])
        self.print_lines(report.keys(shown))
        if cursor or len(found) > limit:
            self.stdout.write(f"There are more than --limit {limit}.")
        return None

    def watch(self, pause: float, *, as_json: bool) -> None:
        """Until Ctrl-C; Redis may go and come back meanwhile."""
        try:
            if self.stdout.isatty() and not as_json:
                self.redraw(pause)
            while True:
                self.stdout.write(self.now(as_json=as_json))
                self.stdout.flush()  # a pipe would wait for more
                time.sleep(pause)
        except KeyboardInterrupt:
            return

    def redraw(self, pause: float) -> NoReturn:
        """In place, in a terminal."""
        with extra("lab"):
            from rich.live import Live
            from rich.text import Text
        with Live(screen=True, auto_refresh=False) as view:
            while True:
                view.update(Text(self.now(as_json=False)), refresh=True)
                time.sleep(pause)

    def now(self, *, as_json: bool) -> str:
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            found = overview()
        except Unavailable as error:
            return json.dumps({"at": at, "away": str(error)}) if as_json else f"{at}  {error}"
        if as_json:
            return json.dumps({"at": at, **found.as_dict()})
        width, height = WIDTH, HEIGHT
        if self.stdout.isatty():
            width, height = shutil.get_terminal_size((WIDTH, HEIGHT))
        return "\n".join(screen(found, at, width, height))
