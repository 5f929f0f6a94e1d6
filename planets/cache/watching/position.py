"""How far a binlog has been followed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from .change import Change
from .gtids import Gtids


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a transaction. By `gtids` it means the same on every server of a replica set."""

    server: str  # MySQL's server_uuid; "" of MariaDB, which has none
    file: str
    offset: int
    gtids: str = ""  # all that was executed up to there; "" where the server does not number them

    def text(self) -> str:
        return json.dumps(asdict(self))

    @property
    def place(self) -> tuple[int, str, int]:
        """What is later in the same binlog is greater: `binlog.1000000` follows `binlog.999999`."""
        return len(self.file), self.file, self.offset

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


def read(text: bytes | None) -> Position | None:
    """What `text()` gave; None where it is not there, or of another form."""
    try:
        return Position(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return None


class Progress:
    """A position that moves with each transaction."""

    def __init__(self, start: Position, gtids: Gtids | None) -> None:
        self._start, self._gtids = start, gtids
        self._place = (start.file, start.offset)

    def passed(self, change: Change) -> None:
        self._place = (change.file, change.offset)
        if change.gtid is None:
            self._gtids = None  # from here on, file and offset have to do
        elif change.gtid and self._gtids:
            self._gtids.add(change.gtid)

    @property
    def position(self) -> Position:
        file, offset = self._place
        gtids = "" if self._gtids is None else str(self._gtids)
        return replace(self._start, file=file, offset=offset, gtids=gtids)
