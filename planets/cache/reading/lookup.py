"""What is asked of the cache, and what may lie there: the values that the read path hands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from ..events import Kind
from ..storage.wire import Command, Reply


class Found(NamedTuple):
    """A value as it lay in Redis."""

    value: Any
    generation: tuple[str, ...]
    expires: float  # Unix time
    bytes: int
    load_ms: float | None = None
    plain_bytes: int = 0  # before compression, where it was compressed


class Shelf(Protocol):
    """How one kind of value lies in Redis."""

    kind: Kind

    def read(self, key: str) -> Command: ...

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        """What lies under a key; None where there is nothing. Raises Undecodable."""

    def behind(self, lookup: Lookup, absent: bool) -> slice:
        """Which of the lookup's gates a value, or an absence, stands behind."""

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: tuple[str, int], found: Found
    ) -> Command:
        """The command that stores `found`. Raises Unencodable."""


class Lookup(NamedTuple):
    """Keys of one shelf, the gates that they may stand behind, and how long to keep them.

    `ttl` is seconds, None the default; `expire_at` takes precedence over it.
    """

    shelf: Shelf
    alias: str
    keys: tuple[str, ...]
    gates: tuple[str, ...]
    tables: tuple[str, ...]
    sql: str
    ttl: float | None = None
    expire_at: datetime | None = None


# Gives the values of the keys that it is handed; a value of None is an absence.
Load = Callable[[Sequence[str]], dict[str, Any]]
