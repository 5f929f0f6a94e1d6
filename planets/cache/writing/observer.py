"""Who hears of statements.

An observer hears of what its thread or task reads and writes while it computes something, a witness
of every statement of the process.
"""

from __future__ import annotations

from collections.abc import Callable
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
