"""The lines of a while: of the statements that took most of the database's time, no more.

Who asks in a thousand ways cannot push those out (Metwally's space saving): a newcomer takes the
place of the line with the least time and begins where that one was. What is above the crowd stays.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ...events import COMPUTED
from . import runs, sketch
from .line import Line

Group = Literal["read", "write", "computed"]
READS, WRITES, COMPUTATIONS = 100, 50, 50  # lines
ROOM: dict[Group, int] = {"read": READS, "write": WRITES, "computed": COMPUTATIONS}
LOG = 20_000  # runs of all lines together: some half a megabyte


class Ledger(msgspec.Struct, array_like=True):
    began: int = 0  # Unix time, in microseconds
    ended: int = 0
    lines: dict[str, Line] = {}
    tellers: list[int] = []  # processes, of which the smallest marks are kept

    def place(self, digest: str, line: Line) -> bool:
        """Put in a new line; whether that was for another, where there are too many."""
        mine = self.of(group(line))
        full = len(mine) >= ROOM[group(line)]
        if full:
            least = min(mine, key=lambda name: mine[name].rank)
            line.floor += mine[least].rank
            del self.lines[least]
        self.lines[digest] = line
        return full

    def of(self, wanted: Group) -> dict[str, Line]:
        """The lines of reads, of writes, or of what is computed."""
        return {name: line for name, line in self.lines.items() if group(line) == wanted}

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
        self.tellers = sketch.merged(self.tellers, other.tellers)
        for wanted, room in ROOM.items():
            mine = self.of(wanted)
            ranked = sorted(mine, key=lambda name: mine[name].rank, reverse=True)
            for digest in ranked[room:]:
                del self.lines[digest]
        most = runs.MOST
        while sum(line.logged for line in self.lines.values()) > LOG:
            most //= 2
            for line in self.lines.values():
                line.thin(most)

    @property
    def processes(self) -> int:
        """How many have told of something."""
        return max(1, sketch.distinct(self.tellers))

    @property
    def hours(self) -> float:
        """How long it is of; a moment at least."""
        return max(self.ended - self.began, runs.SECOND) / (3600 * runs.SECOND)


def group(line: Line) -> Group:
    if line.kind == "write":
        return "write"
    return "computed" if line.kind in COMPUTED else "read"
