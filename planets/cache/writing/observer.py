"""Who hears of statements.

An observer hears of what its thread or task reads and writes while it computes something, a witness
of every statement of the process. Who only wants to know where something was written, is told that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from .statement import Statement


class Observer(Protocol):
    def reads(self, alias: str, statement: Statement, sql: str) -> None:
        """A SELECT that no fetch of ours makes is about to run."""

    def writes(self) -> None:
        """Something is about to be written."""

    def fails(self) -> None:
        """A statement has raised what its caller may handle."""


observer: ContextVar[Observer | None] = ContextVar("cache_aside_observer", default=None)


written: ContextVar[set[str] | None] = ContextVar("cache_aside_written_to", default=None)


@contextmanager
def noticing_writes() -> Iterator[set[str]]:
    """Gives the aliases that this thread or task writes to within it."""
    aliases: set[str] = set()
    token = written.set(aliases)
    try:
        yield aliases
    finally:
        written.reset(token)


class Witness(Protocol):
    def __call__(
        self,
        alias: str,
        statement: Statement,
        sql: str,
        params: Any,
        cursor: Any,
        run: Callable[[], Any],
        /,
    ) -> Any:
        """Run a statement by `run`, and return what it returns."""


witnesses: list[Witness] = []
