"""What was computed, and how it lies in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ..conf import conf
from .dependencies import Dependencies
from .envelope import Undecodable, unwrap


class Made(NamedTuple):
    """What was computed: a payload for msgpack, what it depends on, and whether it may be kept."""

    payload: Any
    dependencies: Dependencies
    tables: tuple[str, ...] = ()
    refusal: str = ""
    # What is told of this payload without reading it: the headers of a page's 304, by name.
    mark: Mapping[str, str] = {}
    ttl: float | None = None  # seconds, where not the lookup's
    since: float = 0.0  # when the oldest was filled of what was served late to it; 0: nothing was
    rare: bool = False  # kept from its second sight on: there may be no end of its like
    away: bool = False  # it tells that the database is away


class Entry(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A computed value as it is stored."""

    gates: dict[str, str]
    records: dict[str, str]
    filled: float  # Unix time
    expires: float  # Unix time
    load_ms: float
    tables: tuple[str, ...]
    name: str
    mark: dict[str, str]
    payload: msgspec.Raw


_decoder = msgspec.msgpack.Decoder(Entry)


def entry_of(key: str, data: object) -> Entry:
    """The entry that lies under a key; its payload is not decoded. Raises Undecodable."""
    body = unwrap(key, data, max_bytes=conf().MAX_BYTES)
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error
