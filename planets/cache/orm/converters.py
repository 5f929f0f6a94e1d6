"""The converters of a compiled query, found out once for each connection.

Many are methods of a connection. So it is the connection that keeps them, and none is kept open by
a plan when its thread has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from ..reading.rows import Row
from .era import era

Found = dict[int, Any]  # as SQLCompiler.get_converters() gives them


class Converters:
    """Those of one query, for all copies of its compiler."""

    # Somebody's own may give each reader something else.
    are_djangos = False

    def of(self, connection: Any, find: Callable[[], Found]) -> Found:
        """What `find` gives: once for each connection."""
        kept = vars(connection).setdefault("cache_aside_converters", WeakKeyDictionary())
        since, found = kept.get(self, (None, {}))
        if since != era.number:
            found = find()
            kept[self] = era.number, found
            functions = chain.from_iterable(functions for functions, _ in found.values())
            self.are_djangos = all(f.__module__.startswith("django.") for f in functions)
        return found


def convert(rows: Iterable[Row], found: Found, connection: Any) -> Sequence[Row]:
    """As SQLCompiler.apply_converters(), column by column, in half of its time."""
    columns: list[Any] = list(zip(*rows, strict=True))
    if not columns:
        return []
    for at, (functions, expression) in found.items():
        for function in functions:
            columns[at] = [function(value, expression, connection) for value in columns[at]]
    return list(zip(*columns, strict=True))
