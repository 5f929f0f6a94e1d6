"""The lines of a while: of the statements that took most of the database's time, no more.

Who asks in a thousand ways cannot push those out (Metwally's space saving): a newcomer takes the
place of the line with the least time and begins where that one was. What is above the crowd stays.
"""

from __future__ import annotations

import msgspec

from . import runs
from .line import Line

READS, WRITES = 100, 50  # lines
LOG = 20_000  # runs of all lines together: some half a megabyte


class Ledger(msgspec.Struct, array_like=True):
    began: int = 0  # Unix time, in microseconds
    ended: int = 0
    lines: dict[str, Line] = {}

    def place(self, digest: str, line: Line) -> None:
        """Put in a new line, for another where there are too many."""
        room, mine = _room(line.kind == "write"), self.of_kind(line.kind == "write")
        if len(mine) >= room:
            least = min(mine, key=lambda name: mine[name].rank)
            line.floor += mine[least].rank
            del self.lines[least]
        self.lines[digest] = line

    def of_kind(self, write: bool) -> dict[str, Line]:
        """The lines of writes, or those of reads."""
        return {name: line for name, line in self.lines.items() if (line.kind == "write") is write}

    def merge(self, other: Ledger) -> None:
        """Take in what was heard elsewhere, or later; keep what takes most of the time."""
        if not other.began:
            return
        self.began = min(self.began or other.began, other.began)
        self.ended = max(self.ended, other.ended)
        for digest, line in other.lines.items():
            if known := self.lines.get(digest):
                known.merge(line)
            else:
                self.lines[digest] = line
        for write in (False, True):
            mine = self.of_kind(write)
            ranked = sorted(mine, key=lambda name: mine[name].rank, reverse=True)
            for digest in ranked[_room(write) :]:
                del self.lines[digest]
        most = runs.MOST
        while sum(line.logged for line in self.lines.values()) > LOG:
            most //= 2
            for line in self.lines.values():
                line.thin(most)

    @property
    def hours(self) -> float:
        """How long it is of; a moment at least."""
        return max(self.ended - self.began, runs.SECOND) / (3600 * runs.SECOND)


def _room(write: bool) -> int:
    return WRITES if write else READS
