"""What was sent to be stored, and what is done when its replies are heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from .. import stats
from ..storage.client import Answer
from ..storage.errors import Unavailable
from ..storage.wire import Reply
from . import memory


class Filling(Struct, frozen=True):
    """The fills of one fetch, all under one token.

    Where it is posted its replies are heard by somebody else, later, so it holds nothing of the
    values. Its scripts give the leases back themselves, also where Redis is full.
    """

    sql: str
    token: str
    expires: dict[str, float]  # by key: in Unix time
    tables: dict[str, tuple[str, ...]]  # by key

    def stored(self, replies: Sequence[Reply]) -> dict[str, str]:
        """Count them; returns the token of each key that was stored."""
        stored = {key: self.token for key, r in zip(self.expires, replies, strict=True) if r == 1}
        stats.count("fill", "stored", len(stored))
        stats.count("fill", "outlived its lease", len(replies) - len(stored))
        return stored

    def remember(self, keys: Iterable[str]) -> None:
        """That this process has filled these, for who asks later why one is gone."""
        for key in keys:
            memory.filled(key, self.expires[key], self.sql, self.tables[key])

    def heard(self, answer: Answer) -> None:
        """The answer to what was posted; what was lost is a miss for the next one, and no more."""
        if not isinstance(answer, Unavailable):
            self.remember(self.stored(answer))
