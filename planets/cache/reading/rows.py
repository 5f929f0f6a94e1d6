"""Rows that the near tier keeps: many read them, and what is made of them is kept with them, and
weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
        self._memo: tuple[object, Any] | None = None
        self._memo_bytes = 0
        self.kept_as = ""

    def kept_for(self, maker: object) -> Any:
        """What this maker has made of them; None where it has not, or another has since."""
        memo = self._memo  # read once: another thread may replace it
        return memo[1] if memo and memo[0] is maker else None

    def keep_for(
        self, maker: object, made: Any, converted: Sequence[Sequence[Any]], weight: int
    ) -> None:
        """Keep what was made, for the next reader, unless one could change what the next gets.

        `weight` is the bytes of what was made, besides the converted values in it.
        """
        if not all(keys.TELLING.issuperset(map(type, row)) for row in converted):
            return
        self._memo = memo = maker, made
        before, self._memo_bytes = self._memo_bytes, getsizeof(memo) + weight
        if converted is not self:
            self._memo_bytes += of_converted(self, [tuple(row) for row in converted])
        near.grew(self.kept_as, self._memo_bytes - before)

    def converted(self, converters: object, convert: Callable[[], Iterable[Any]]) -> list[Row]:
        """What `convert` makes of them: once for the same `converters`, where that is safe."""
        rows: list[Row] | None = self.kept_for(converters)
        if rows is None:
            rows = [tuple(row) for row in convert()]
            self.keep_for(converters, rows, rows, 0)
        return rows
