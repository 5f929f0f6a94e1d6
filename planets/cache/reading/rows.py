"""Rows that the near tier keeps: many read them, and what Django's converters make of them is kept
with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..storage import keys

Row = tuple[Any, ...]


class SharedRows(list[Row]):
    """Rows as the driver gave them."""

    __slots__ = ("_memo",)

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__(rows)
        self._memo: tuple[Any, list[Row]] | None = None

    def converted(self, converters: object, convert: Callable[[], Iterable[Any]]) -> list[Row]:
        """What `convert` makes of them: once for the same `converters`, where that is safe."""
        memo = self._memo  # read once: another thread may replace it
        if memo and memo[0] is converters:
            return memo[1]
        rows = [tuple(row) for row in convert()]
        # Of other types one reader could change what the next one gets.
        if all(keys.TELLING.issuperset(map(type, row)) for row in rows):
            self._memo = converters, rows
        return rows
