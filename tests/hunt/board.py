"""What the processes of a hunt share, and the diaries that tell how it came about."""

from __future__ import annotations

import os
import time
from multiprocessing.sharedctypes import RawArray, RawValue
from pathlib import Path

# What a reader with the near tier may be late: it is trusted for three quarters of a second.
NEAR_LATENESS = 1.0
# What a connection that lasts may take to notice that its server was demoted and promoted again: a
# second until its next greeting, and what is under way.
GREETED = 1.5
DEADLINE = 3  # seconds; short, so that kills do not keep the gates closed for most of the run
OUTCOMES = ("hit", "miss", "bypass", "error")


class Board:
    """What the processes share. No locks: a process that is killed must not keep one."""

    def __init__(
        self,
        readers: int,
        writers: int,
        folder: Path,
        *,
        near: bool = False,
        hot: bool = False,
        is_served: bool = False,
    ) -> None:
        self.near, self.hot, self.is_served = near, hot, is_served
        self.cluster = ""  # where its nodes are; "": it is one Redis
        self.replica = ""  # the socket of the database's replica; "": it has none
        self.readers, self.writers, self.folder = readers, writers, folder
        self.stopping = RawValue("b", 0)
        self.quiet = RawValue("b", 0)  # no writer begins another write
        self.pardoned = RawValue("d", 0)  # what begins earlier may see the past
        self.planets = RawArray("d", 8)
        self.moons = RawArray("d", 8)
        self.tags = RawArray("d", writers)
        self.created = RawArray("d", writers)
        self.deleted = RawArray("d", writers)
        self.served = RawArray("q", readers + writers)  # pages that a reader got over HTTP
        self.outcomes = RawArray("q", (readers + writers) * len(OUTCOMES))
        self.wrong = RawArray("q", readers + writers)
        # Of each writer: its connection, when its write began, whether all its gates did close.
        self.connection = RawArray("q", writers)
        self.began = RawArray("d", writers)
        self.closed = RawArray("b", writers)
        self.condemned = RawArray("b", writers)  # to die between COMMIT and the opening of gates
        self.writes = RawArray("q", writers)
        self.owed = RawArray("q", writers)

    @property
    def site(self) -> Path:
        """Where gunicorn listens, in a hunt that has one."""
        return self.folder / "site.sock"

    def known(self) -> dict[str, tuple[float, ...]]:
        """A copy of all that is published now."""
        return {
            name: tuple(getattr(self, name))
            for name in ("planets", "moons", "tags", "created", "deleted")
        }

    def owned(self, writer: int) -> list[int]:
        """The ids of the planets that only this writer writes."""
        return [pk for pk in range(1, 9) if pk % (self.writers + 1) == writer]

    def shared(self) -> list[int]:
        """The ids of the planets that all writers write."""
        return self.owned(self.writers)

    def base(self, writer: int) -> int:
        """The ids of the planets that this writer creates are above it."""
        return 1_000_000 * (writer + 1)


class Diary:
    """A process's own file of what it did, on the clock that all processes share."""

    def __init__(self, board: Board, name: str) -> None:
        self.name = name
        self.file = os.open(board.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, text: str) -> None:
        os.write(self.file, f"{time.monotonic():.6f} {self.name}: {text}\n".encode())


def history(board: Board, until: float, seconds: float = 2) -> list[str]:
    """What all processes noted in the time before."""
    diaries = [path for path in board.folder.iterdir() if path.is_file()]
    lines = [line for path in diaries for line in path.read_text().splitlines()]
    return sorted(line for line in lines if until - seconds <= float(line.split()[0]) <= until)
