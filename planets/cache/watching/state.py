"""How a watcher fares: told by it in Redis, read by whoever looks after the cache."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields

from django.db import DEFAULT_DB_ALIAS, connections

from ..conf import conf
from ..storage import keys, places
from ..storage.client import client

SILENT = 5.0  # seconds without a word after which nobody watches


@dataclass(slots=True)
class State:
    """Counts are since the watcher was started."""

    watching: bool = False  # False: it has ended, or waits
    at: float = 0.0  # when this was told, in seconds since 1970
    since: float = 0.0
    position: str = ""
    gtids: str = ""
    lag: float = 0.0  # seconds from a commit to its invalidation, of the last, or of what waits
    bytes_behind: int = 0
    transactions: int = 0
    invalidations: int = 0  # gates and records
    ours: int = 0  # writes of which the layer has heard, where the binlog tells
    outside: int = 0  # of which it has not
    unknown: int = 0  # of which the binlog does not tell
    everything: int = 0  # how often all entries were invalidated
    error: str = ""  # the last one
    error_at: float = 0.0

    def text(self) -> str:
        return json.dumps(asdict(self))

    def failed(self, error: object) -> None:
        self.error, self.error_at = str(error)[:300], time.time()

    @property
    def is_alive(self) -> bool:
        return self.watching and time.time() - self.at < SILENT

    @property
    def trouble(self) -> str:
        """What is wrong, in words; "" where all is well."""
        if not self.at:
            return "no watcher has been here"
        if not self.is_alive:
            return f"no watcher since {time.time() - self.at:.0f} s"
        if conf().WATCH_LAG and self.lag > conf().WATCH_LAG:
            return f"the watcher is {self.lag:.1f} s behind"
        return ""

    def words(self) -> str:
        """All of it in a sentence, for people."""
        if not self.at:
            return self.trouble
        return (
            f"{self.trouble or 'watching'}; "
            f"{self.lag:.0f} s and {self.bytes_behind:,} bytes behind; "
            f"{self.transactions:,} transactions, {self.invalidations:,} invalidations; "
            f"writes: {self.ours:,} ours, {self.outside:,} outside, {self.unknown:,} unknown; "
            f"at {self.position or 'no position yet'}"
            + (f"; last error: {self.error}" if self.error else "")
        )


def states() -> dict[str, State]:
    """By alias, what the watcher of each database told last, where one ever did.

    Of the default database also where there should be one by `WATCH_LAG`. Raises Unavailable.
    """
    aliases = list(dict.fromkeys(map(places.database, connections)))
    texts = client.ask(*(("GET", keys.watcher(alias, "state")) for alias in aliases))
    found = {alias: _read(text) for alias, text in zip(aliases, texts, strict=True)}
    if conf().WATCH_LAG:
        found[DEFAULT_DB_ALIAS] = found.get(DEFAULT_DB_ALIAS) or State()
    return {alias: state for alias, state in found.items() if state}


def trouble() -> str:
    """What is wrong with a watcher that there should be; "" where nothing is.

    Raises Unavailable.
    """
    return states()[DEFAULT_DB_ALIAS].trouble if conf().WATCH_LAG else ""


def _read(text: object) -> State | None:
    try:
        found = json.loads(text) if isinstance(text, bytes) else None
        names = {field.name for field in fields(State)}
        return State(**{k: v for k, v in found.items() if k in names}) if found else None
    except (ValueError, TypeError, AttributeError):
        return None
