"""What a value takes in memory where the near tier keeps it: counted, for no rule of thumb holds.

A row of one small number takes twenty times its bytes in Redis, a long text as many as there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from sys import getsizeof
from typing import Any

import msgspec

# Bytes that getsizeof() does not count, the number within; or counts, and Python has them once.
BESIDES = {
    uuid.UUID: getsizeof(2**127),
    bool: -getsizeof(False),
    type(None): -getsizeof(None),
}


def of_rows(rows: Sequence[tuple[Any, ...]]) -> int:
    """Bytes of rows."""
    own = getsizeof(rows) + sum(map(getsizeof, rows))
    return own + of_values(chain.from_iterable(rows))


def of_values(values: Iterable[Any]) -> int:
    """Bytes of values; small numbers, of which Python has one each, are counted each time."""
    found = list(values)
    kinds = list(map(type, found))
    besides = sum(kinds.count(kind) * size for kind, size in BESIDES.items())
    return sum(map(getsizeof, found)) + besides


def of_converted(rows: Sequence[tuple[Any, ...]], converted: Sequence[tuple[Any, ...]]) -> int:
    """Bytes that `converted` takes besides those of the `rows` that it was made of."""
    own = getsizeof(converted) + sum(map(getsizeof, converted))
    pairs = chain.from_iterable(map(zip, rows, converted))
    return own + of_values(new for old, new in pairs if new is not old)


def of_tree(value: Any) -> int:
    """Bytes of a value and of all that it holds."""
    total, todo, met = 0, [value], set[int]()
    while todo:
        part = todo.pop()
        if id(part) in met:
            continue
        met.add(id(part))
        total += getsizeof(part) + BESIDES.get(type(part), 0)
        if isinstance(part, Mapping):
            todo += chain(part, part.values())
        elif isinstance(part, tuple | list | set | frozenset):
            todo += part
        elif isinstance(part, msgspec.Struct):
            todo += [getattr(part, name) for name in part.__struct_fields__]
        elif hasattr(part, "__dict__"):
            todo += [vars(part), *vars(part).values()]
    return total
