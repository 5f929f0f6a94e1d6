"""Rows that the near tier keeps: many read them, and what Django's converters make of them is kept
with them, and weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import getsizeof
from typing import Any

from ..storage import keys
from ..storage.near import near
from .weight import of_converted

Row = tuple[Any, ...]


class SharedRows(list[Row]):
    """Rows as the driver gave them. `kept_as` is the key under which the near tier has them."""

    __slots__ = ("_memo", "_memo_bytes", "kept_as")

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__(rows)
        self._memo: tuple[Any, list[Row]] | None = None
        self._memo_bytes = 0
        self.kept_as = ""

    def converted(self, converters: object, convert: Callable[[], Iterable[Any]]) -> list[Row]:
        """What `convert` makes of them: once for the same `converters`, where that is safe."""
        memo = self._memo  # read once: another thread may replace it
        if memo and memo[0] is converters:
            return memo[1]
        rows = [tuple(row) for row in convert()]
        # Of other types one reader could change what the next one gets.
        if all(keys.TELLING.issuperset(map(type, row)) for row in rows):
            self._memo = memo = converters, rows
            before, self._memo_bytes = self._memo_bytes, getsizeof(memo) + of_converted(self, rows)
            near.grew(self.kept_as, self._memo_bytes - before)
        return rows
