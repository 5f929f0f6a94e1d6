"""What the layer tells of itself. Django signals, so that nothing here knows who listens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.dispatch import Signal

Kind = Literal["sql", "record", "page", "fragment", "value"]
# Those that are computed, and of which other fetches may be a part.
COMPUTED: tuple[Kind, ...] = ("page", "fragment", "value")
Outcome = Literal["hit", "miss", "stale", "bypass", "error"]
Tier = Literal["near", "redis", "database"]

# Sent with event=Fetch after each fetch, in the thread that made it.
fetched = Signal()
# Sent with event=Invalidation after a write's entries went stale.
invalidated = Signal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One read through the cache, of plain JSON values.

    What is *stale* was served though it is not current, to who accepts that; `cause` says why it
    is not.

    A miss has two explanations, and may have both: `cause` is why what lay there was not served,
    `reason` why what was then loaded or made was not stored. Without a `reason` it was filled.
    """

    kind: Kind
    key: str
    sql: str  # for a record, the names of its fields; of a computed entry, its path or name
    tables: tuple[str, ...]  # of a computed entry, those that were read for it
    outcome: Outcome
    tier: Tier
    ms: float  # of a batch, its share
    reason: str = ""  # why it was a bypass, an error, or a miss that could not be filled
    cause: str = ""  # why it was no hit: what has changed since the entry was filled; "": none was
    memory: str = ""  # of a miss: which statement of this process it was, or what it filled before
    records: tuple[str, ...] = ()  # that a computed entry stands on, beside whole tables
    # Seconds left, where known; below zero of what is stale: it is late by that at most.
    ttl: float | None = None
    bytes: int | None = None  # of the stored value, where known
    load_ms: float | None = None  # of a miss what its load took; of a hit what loads usually take

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "tables": list(self.tables), "records": list(self.records)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalidation:
    """Keys that were made unreachable, and the statement that did it ("" where called by hand)."""

    keys: tuple[str, ...]
    tables: tuple[str, ...]
    sql: str
    landed: bool  # False: Redis was away, and it will be repeated until it lands

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "keys": list(self.keys), "tables": list(self.tables)}
