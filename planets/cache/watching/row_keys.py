"""The primary keys of a row event's rows, and nothing else of them.

mysql-replication makes a Python value of each column, which takes ten times as long, and fails for
types that nobody needs here.
"""

from __future__ import annotations

from typing import Any

from ..writing.stale import MAX_RECORDS

# Bytes of a value, by the type of its column.
WIDTHS = {
    1: 1, 2: 2, 9: 3, 3: 4, 8: 8,  # whole numbers
    4: 4, 5: 8, 13: 1, 10: 3, 14: 3, 11: 3, 7: 4, 12: 8,  # float, double, year, dates and times
}  # fmt: skip
WHOLE = (1, 2, 9, 3, 8)
FRACTIONAL = {17: 4, 18: 5, 19: 3}  # times with a fraction of a second after them
DECIMAL, BIT, ENUM, SET = 246, 16, 247, 248
TEXTS = (15, 253, 254)  # varchar, char
LONG = (252, 245, 255)  # blob and text, JSON, geometry
DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)  # bytes of so many digits


class Unknown(ValueError):
    """A type of column whose values may be of any length."""


def keys_of(event: Any, place: int, *, unsigned: bool) -> set[int] | None:
    """The values of the column at `place`, before and after; None where they are not all told.

    Of more than MAX_RECORDS rows nobody needs to know. Raises Unknown.
    """
    widths = [_width(column) for column in event.columns]
    if event.columns[place].type not in WHOLE:
        return None
    data = event.packet.read(event.event_size - event.packet.read_bytes)
    maps = [event.columns_present_bitmap, getattr(event, "columns_present_bitmap2", None)]
    images = [
        [index for index in range(len(widths)) if present[index // 8] >> index % 8 & 1]
        for present in maps
        if present is not None
    ]
    if place not in images[0]:
        return None
    found: set[int] = set()
    at = 0
    while at < len(data) and len(found) <= MAX_RECORDS:
        for image in images:
            size = (len(image) + 7) // 8
            nulls = int.from_bytes(data[at : at + size], "little")
            at += size
            for bit, index in enumerate(image):
                if nulls >> bit & 1:
                    continue
                width = widths[index]
                if index == place:
                    value = data[at : at + width]
                    found.add(int.from_bytes(value, "little", signed=not unsigned))
                if width < 0:  # of the length that stands before the value
                    at += int.from_bytes(data[at : at - width], "little") - width
                else:
                    at += width
    if at != len(data) and len(found) <= MAX_RECORDS:
        raise Unknown("its rows are not as long as its columns say")
    return found if len(found) <= MAX_RECORDS else None


def _width(column: Any) -> int:
    """Bytes of a value; of one that says its own length, the bytes of that, less than 0."""
    kind = column.type
    if kind in WIDTHS:
        return WIDTHS[kind]
    if kind in TEXTS:
        return -2 if column.max_length > 255 else -1
    if kind in LONG:
        return -int(column.length_size)
    if kind in FRACTIONAL:
        return FRACTIONAL[kind] + (int(column.fsp) + 1) // 2
    if kind in (ENUM, SET):
        return int(column.size)
    if kind == BIT:
        return int(column.bytes)
    if kind == DECIMAL:
        parts = (column.precision - column.decimals, column.decimals)
        return sum(digits // 9 * 4 + DIGITS[digits % 9] for digits in parts)
    raise Unknown(f"a column of type {kind}")
