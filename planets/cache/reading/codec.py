"""How a query's result becomes bytes and comes back: sealed msgpack, never pickle.

Rows are kept as the database driver gave them, so that Django's own converters run on a hit as on
a miss and give equal values of equal type. Whatever cannot be decoded is Undecodable, a miss.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from .envelope import Undecodable, Unencodable, unwrap, wrap
from .rows import Row

Rows = list[Row]
R = TypeVar("R", Rows, msgspec.Raw)  # as used, as stored


class Entry(msgspec.Struct, Generic[R], array_like=True, frozen=True, kw_only=True):
    """A query's stored result, and what is needed to judge and to show it."""

    generation: tuple[str, ...]  # of its gates, before the load
    expires: float  # Unix time
    filled: float  # Unix time
    load_ms: float  # what the database took
    tables: tuple[str, ...]
    sql: str
    columns: str = ""  # as stored: how to read each, a letter of COLUMNS
    rows: R


def _time(value: datetime.datetime | datetime.time) -> bytes:
    return value.isoformat().encode()


def _timedelta(value: datetime.timedelta) -> bytes:
    return b"%d,%d,%d" % (value.days, value.seconds, value.microseconds)


# What msgpack has no type for: its extension code, to bytes and back. Codes are never reused.
EXTENSIONS: dict[type, tuple[int, Callable[[Any], bytes], Callable[[str], Any]]] = {
    decimal.Decimal: (1, lambda value: str(value).encode(), decimal.Decimal),
    datetime.datetime: (2, _time, datetime.datetime.fromisoformat),
    datetime.date: (3, _time, datetime.date.fromisoformat),
    datetime.time: (4, _time, datetime.time.fromisoformat),
    datetime.timedelta: (
        5,
        _timedelta,
        lambda text: datetime.timedelta(*map(int, text.split(","))),
    ),
    uuid.UUID: (6, lambda value: value.hex.encode(), uuid.UUID),
    int: (7, lambda value: b"%d" % value, int),  # past 64 bits
}
DECODERS = {code: decode for code, _, decode in EXTENSIONS.values()}
NATIVE = frozenset({str, float, bool, bytes, int, type(None)})
INT64 = range(-(2**63), 2**64)

# A column of one of these types needs no codes: msgspec reads it at the speed of C where it is told
# the type. A column of mixed types, or of one that is not here, is kept value by value.
COLUMNS: dict[str, type] = {
    "D": decimal.Decimal,
    "t": datetime.datetime,
    "d": datetime.date,
    "h": datetime.time,
    "u": uuid.UUID,
}
LETTERS = {kind: letter for letter, kind in COLUMNS.items()}
ANY = "."


def _cell(value: Any) -> Any:
    kind = type(value)
    if kind in NATIVE and (kind is not int or value in INT64):
        return value
    try:
        code, encode, _ = EXTENSIONS[kind]
    except KeyError:
        raise Unencodable(f"a value of type {kind.__qualname__} cannot be stored") from None
    return msgspec.msgpack.Ext(code, encode(value))


def _extension(code: int, data: memoryview) -> Any:
    return DECODERS[code](bytes(data).decode())


def _letter(column: tuple[Any, ...]) -> str | None:
    """How a column of results can be read; None where not all of it alike."""
    kinds = set(map(type, column))
    if kinds <= NATIVE:
        return ANY
    kinds.discard(type(None))
    letter = LETTERS.get(kinds.pop()) if len(kinds) == 1 else None
    if letter and any(getattr(value, "tzinfo", None) for value in column):
        return None  # msgpack has moments, but not in which time zone they were told
    return letter


def _pack(rows: Rows) -> tuple[str, bytes]:
    """The letters of the columns and the rows as msgpack. Raises Unencodable."""
    columns = list(zip(*rows, strict=True))
    letters = [_letter(column) for column in columns]
    if None not in letters:
        try:
            return "".join(letters), _encoder.encode(rows)  # type: ignore[arg-type]
        except OverflowError:
            pass  # an integer past 64 bits, in a column that is otherwise read as it is
    cells = [
        column if letter and letter != ANY else map(_cell, column)
        for letter, column in zip(letters, columns, strict=True)
    ]
    told = "".join(letter or ANY for letter in letters)
    return told, _encoder.encode(list(zip(*cells, strict=True)))


@lru_cache(maxsize=256)
def _rows_decoder(columns: str) -> msgspec.msgpack.Decoder[Rows]:
    """Raises KeyError for a letter that is not one."""
    cells = tuple(Any if letter == ANY else COLUMNS[letter] | None for letter in columns)
    return msgspec.msgpack.Decoder(list[tuple[cells]], ext_hook=_extension)  # type: ignore[valid-type]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry[msgspec.Raw])


def encode(key: str, entry: Entry[Rows], *, compress_above: int, max_bytes: int) -> bytes:
    """The entry wrapped, to be read under `key` alone. Raises Unencodable."""
    if entry.rows and (least := len(entry.rows) * (1 + len(entry.rows[0]))) > max_bytes:
        # Each row and each cell takes a byte: known without packing megabytes to see.
        raise Unencodable(f"{least} bytes at least are more than MAX_BYTES, {max_bytes}")
    try:
        columns, rows = _pack(entry.rows)
        body = _encoder.encode(replace(entry, columns=columns, rows=msgspec.Raw(rows)))
    except (TypeError, ValueError, OverflowError) as error:
        raise Unencodable(str(error)) from error
    return wrap(key, body, compress_above=compress_above, max_bytes=max_bytes)


def decode(key: str, data: object, *, max_bytes: int) -> Entry[Rows]:
    """The entry that encode() made into `data`. Raises Undecodable, also for what are no bytes."""
    stored: Any = head(key, data, max_bytes=max_bytes)
    try:
        return replace(stored, rows=_rows_decoder(stored.columns).decode(stored.rows))
    except (
        msgspec.MsgspecError, ValueError, KeyError, ArithmeticError,
            RecursionError) as error:  # fmt: skip
        raise Undecodable(str(error)) from error


def head(key: str, data: object, *, max_bytes: int) -> Entry[msgspec.Raw]:
    """The same with its rows as they are stored. Raises Undecodable."""
    body = unwrap(key, data, max_bytes=max_bytes)
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error
