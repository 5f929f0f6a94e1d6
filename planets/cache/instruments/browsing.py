"""The keys in pages, of all or of those that are wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import description
from .keyspace import SCAN_COUNT, Key, kind, look, ours, printable
from .nodes import asking, nodes

# One page asks this many times at most, so a rare key in a huge key space ends in time.
PAGE_SCANS = 100

FIRST = "0.0"
CURSOR = re.compile(r"(\d{1,4})\.(\d{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some keys, and the cursor of the next page ("" where this is the last)."""

    keys: list[Key]
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which keys a page is to show: all, where nothing is said.

    `text` is looked for in names and in what they stand for; with a wildcard it is a glob of names.
    """

    kind: str = ""
    table: str = ""
    text: str = ""

    @property
    def is_glob(self) -> bool:
        return any(c in self.text for c in "*?[")

    @property
    def pattern(self) -> str:
        return self.text if self.is_glob else "*"

    @property
    def part(self) -> str:
        return "" if self.is_glob else self.text.casefold()

    def may_be(self, name: str) -> bool:
        """As far as a name tells."""
        return not self.kind or kind(name) == self.kind

    def is_(self, key: Key) -> bool:
        if self.table and self.table not in key.tables:
            return False
        return self.part in key.name.casefold() or self.part in key.what.casefold()


ALL = Wanted()


def browse(wanted: Wanted = ALL, cursor: str = FIRST, *, size: int = 50) -> Page:
    """The next keys of ours that are wanted: `size`, or a few more, for SCAN gives handfuls.

    Fewer, even none, where they are rare; it is the cursor that tells whether there are more.
    Raises ValueError for a cursor that no page gave, Unavailable.
    """
    place = CURSOR.fullmatch(cursor)
    if not place:
        raise ValueError(f"cursor is {cursor!r}, must be one that the last page gave, or {FIRST!r}")
    number, at = int(place[1]), int(place[2])
    found: list[Key] = []
    read = 0  # bytes
    with asking() as redis:
        servers = nodes(redis)
        for _ in range(PAGE_SCANS):
            if number >= len(servers):
                return Page(keys=found, cursor="")
            server = servers[number].redis
            at, names = server.scan(at, match=wanted.pattern, count=SCAN_COUNT)
            some = _described(server, wanted, names)
            read += sum(key.bytes or 0 for key in some)
            found += filter(wanted.is_, some)
            if at == 0:
                number += 1
            full = len(found) >= size or read > description.MOST_BYTES
            if full and number < len(servers):
                break
    return Page(keys=found, cursor=f"{number}.{at}" if number < len(servers) else "")


def _described(server: Any, wanted: Wanted, names: list[bytes]) -> list[Key]:
    candidates = [name for name in ours(names) if wanted.may_be(printable(name))]
    return description.described(server, look(server, candidates))
