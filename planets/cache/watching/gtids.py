"""Sets of global transaction ids: all that a server has executed, or a watcher has seen.

MariaDB names the last of each domain, `0-1-55`; MySQL all of each server, `<uuid>:1-55:60`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Protocol

# MySQL 8.3 puts a tag between the server and its numbers, which mysql-replication does not read.
UNTAGGED = re.compile(r"[0-9a-fA-F-]{36}((:\d+)(-\d+)?)+")


class Gtids(Protocol):
    def add(self, gtid: str) -> None:
        """One more."""

    def __str__(self) -> str:
        """As the server reads it."""


class OfMariaDB:
    def __init__(self, text: str) -> None:
        self._last = {gtid.partition("-")[0]: gtid for gtid in text.split(",") if gtid}

    def add(self, gtid: str) -> None:
        self._last[gtid.partition("-")[0]] = gtid

    def __str__(self) -> str:
        return ",".join(self._last.values())


class OfMySQL:
    def __init__(self, text: str) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        for part in filter(None, re.split(r",\s*", text.strip())):
            server, *ranges = part.split(":")
            for pair in ranges:
                first, _, last = pair.partition("-")
                self._put(server, int(first), int(last or first))

    def add(self, gtid: str) -> None:
        server, _, number = gtid.partition(":")
        self._put(server, int(number), int(number))

    def _put(self, server: str, first: int, last: int) -> None:
        ranges = self._ranges.setdefault(server, [])
        at = bisect_left(ranges, (first, last))
        while at and ranges[at - 1][1] >= first - 1:
            at -= 1
            first, last = min(first, ranges[at][0]), max(last, ranges[at][1])
            del ranges[at]
        while at < len(ranges) and ranges[at][0] <= last + 1:
            last = max(last, ranges[at][1])
            del ranges[at]
        ranges.insert(at, (first, last))

    def __str__(self) -> str:
        return ",".join(
            ":".join([server, *(str(a) if a == b else f"{a}-{b}" for a, b in ranges)])
            for server, ranges in self._ranges.items()
        )


def is_readable(text: str) -> bool:
    """Whether a set of MySQL's has no tags."""
    return all(UNTAGGED.fullmatch(part) for part in filter(None, re.split(r",\s*", text.strip())))
