"""How large the site's own records are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..records import BY_TABLE, Records

SAMPLE = 1_000  # rows of each table
MARKER = 90  # bytes of the field that makes a hash ours, about
DEFAULT = (500,)  # bytes; where there is no record to look at


def record_sizes() -> tuple[int, ...]:
    """Bytes of a sample of all hashes that there may be."""
    return tuple(size for records in BY_TABLE.values() for size in _sizes(records)) or DEFAULT


def _sizes(records: Records[Any]) -> Iterator[int]:
    shelf = records.shelf
    rows = records.model._default_manager.order_by("pk").values_list(*records.attnames)[:SAMPLE]
    for row in rows:
        yield MARKER + sum(
            len(name) + len(text.write(value).encode())
            for value, name, text in zip(row, shelf.columns, shelf.texts, strict=True)
            if value is not None
        )
