"""Events that mysql-replication hands on unread, as far as their tables and statements go."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import zstandard

# Types of events; those of MariaDB begin with 160.
QUERY, TABLE_MAP, ROWS_QUERY, PAYLOAD, TAGGED_GTID = 2, 19, 29, 40, 42
QUERY_COMPRESSED = 165
ROWS_COMPRESSED = frozenset(range(166, 172))
# They change no row: append block, delete file, anonymous gtid, transaction context, view change,
# heartbeat. (And 28, which says of itself that who does not know it may ignore it.)
HARMLESS = frozenset([9, 11, 28, 34, 36, 37, 41])

HEADER = struct.Struct("<IBIIIH")  # time, type, server, size, end, flags
LARGEST = 1 << 20  # bytes of an event of these types; a statement that is longer is not read
ZSTD, PLAIN = 0, 255


class Unreadable(ValueError):
    """It is not as it should be."""


class Query(NamedTuple):
    database: str
    sql: str
    thread: int


def query(body: bytes, *, compressed: bool = False) -> Query:
    """A QUERY_EVENT without its header."""
    thread, _, length, _, status = struct.unpack_from("<IIBHH", body)
    start = 13 + status
    sql = body[start + length + 1 :]
    if compressed:
        sql = _inflated(sql)
    database = body[start : start + length].decode("utf-8", "replace")
    return Query(database, sql.decode("utf-8", "backslashreplace"), thread)


def table(body: bytes) -> tuple[int, str, str]:
    """The number, the database and the table of a TABLE_MAP_EVENT without its header."""
    number = table_number(body)
    at = 9 + body[8]
    database, name = body[9:at], body[at + 2 : at + 2 + body[at + 1]]
    return number, database.decode("utf-8", "replace"), name.decode("utf-8", "replace")


def table_number(body: bytes) -> int:
    """Of the table whose rows an event holds."""
    return int.from_bytes(body[:6], "little")


def _inflated(data: bytes) -> bytes:
    """What MariaDB has compressed: how, in how many bytes its length is, the length, the data."""
    if not data or data[0] & 0xF0 != 0x80:
        raise Unreadable("it is compressed in a way that is not known")
    # A checksum may follow, which is none of it.
    return zlib.decompressobj().decompress(data[1 + (data[0] & 0x07) :])


def unpacked(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The events in a TRANSACTION_PAYLOAD_EVENT: the type of each, and of the short its body.

    They are unpacked one by one, so that a long transaction takes no more memory than it does
    packed.
    """
    fields, at = {}, 0
    while (kind := body[at]) != 0:
        length, start = _number(body, at + 1)
        fields[kind], at = _number(body, start)[0], start + length
    # A checksum may follow.
    data = body[at + 1 :][: fields.get(1)]
    packed: io.BytesIO | zstandard.ZstdDecompressionReader = io.BytesIO(data)
    how = fields.get(2, PLAIN)
    if how == ZSTD:
        packed = zstandard.ZstdDecompressor().stream_reader(packed)
    elif how != PLAIN:
        raise Unreadable(f"it is compressed in a way that is not known, {how!r}")
    while header := _exactly(packed, HEADER.size):
        _, kind, _, size, _, _ = HEADER.unpack(header)
        left = size - HEADER.size
        if kind in (QUERY, TABLE_MAP, ROWS_QUERY) and left <= LARGEST:
            yield kind, _exactly(packed, left)
            continue
        if kind == QUERY:
            raise Unreadable("a statement in it is too long")
        while left > 0:
            left -= len(_exactly(packed, min(left, 1 << 16)))
        yield kind, b""


def _exactly(source: io.BytesIO | zstandard.ZstdDecompressionReader, size: int) -> bytes:
    """So many bytes; none where a header would be and nothing is. Raises Unreadable for fewer."""
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    if len(data) < size and (data or size != HEADER.size):
        raise Unreadable("it ends in the middle")
    return data


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A number of MySQL's that says its own length, and where it ends."""
    first = body[at]
    if first < 251:
        return first, at + 1
    width = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(body[at + 1 : at + 1 + width], "little"), at + 1 + width
