"""A progress bar on the terminal, for who is watching; needs rich, and is left out without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..extras import MissingExtra, extra


class Advance(Protocol):
    def __call__(self, now: str | None = None) -> None:
        """One more is done; `now` is what is being done."""


def unseen(now: str | None = None) -> None:
    """Where nobody looks at the bar."""


@contextmanager
def progress(title: str, total: int, *, quiet: bool) -> Iterator[Advance]:
    """A bar on stderr, where that is a terminal and rich is installed."""
    if quiet or not sys.stderr.isatty():
        yield unseen
        return
    try:
        with extra("lab"):
            from rich.console import Console
            from rich.progress import Progress
    except MissingExtra:
        yield unseen  # the work goes on without a bar
        return
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda now=None: bar.update(task, advance=1, description=now)
