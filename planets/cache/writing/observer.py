"""Who hears of what this thread or task reads and writes while it computes something."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from .statement import Statement


class Observer(Protocol):
    def reads(self, alias: str, statement: Statement, sql: str) -> None:
        """A SELECT that no fetch of ours makes is about to run."""

    def writes(self) -> None:
        """Something is about to be written."""

    def fails(self) -> None:
        """A statement has raised what its caller may handle."""


observer: ContextVar[Observer | None] = ContextVar("cache_aside_observer", default=None)
