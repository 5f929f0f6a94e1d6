"""What the cache's commands share."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter

from ...extras import MissingExtra
from ...storage.errors import Refused, Unavailable
from ..arguments import one_line


class HelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's, and examples keep their lines."""


class PlainCommand(BaseCommand):
    """A command that says in one line what is wrong with its arguments."""

    examples = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(
            prog_name, subcommand, epilog=self.examples, formatter_class=HelpFormatter, **kwargs
        )

        def error(message: str) -> NoReturn:
            line = one_line(message, parser.prog)
            if parser.called_from_command_line:
                parser.exit(2, f"CommandError: {line}\n")
            raise CommandError(line)

        parser.error = error  # type: ignore[method-assign]
        return parser


class CacheCommand(PlainCommand):
    """A command that prints text or JSON, and says in one line what it misses."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--format", choices=["text", "json"], default="text", help="How to print (text)."
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except MissingExtra as error:
            raise CommandError(str(error)) from error

    def print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value))

    @contextmanager
    def needing_redis(self) -> Iterator[None]:
        """Raises CommandError where Redis is not reachable, or refuses what the command needs."""
        try:
            yield
        except Refused as error:
            told = str(error)
            raise CommandError(
                told if told.startswith("Redis") else f"Redis refuses: {told}"
            ) from error
        except Unavailable as error:
            raise CommandError(f"Redis is away: {error}") from error
