"""The advice of now, from what all processes have told; the same for command, page and panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..instruments.account import sharing
from ..instruments.account.ledger import Ledger
from ..storage.errors import Unavailable
from .advice import Advice, advise
from .evidence import Scan

HOURS = 24
FRESH = 60.0  # seconds that the panel's sentences are kept: to advise takes longer than a page


@dataclass(frozen=True)
class Hour:
    """Seconds in one hour, of loads and of making pages, that were saved or could be besides."""

    start: datetime
    saved: float
    could: float

    def as_dict(self) -> dict[str, Any]:
        return {"start": self.start.isoformat(), "saved": self.saved, "could": self.could}


@dataclass(frozen=True)
class Report:
    ledger: Ledger
    advice: list[Advice]
    hours: list[Hour]

    def as_dict(self) -> dict[str, Any]:
        return {
            "hours": self.ledger.hours,
            "statements": len(self.ledger.of("read")),
            "computed": len(self.ledger.of("computed")),
            "advice": [one.as_dict() for one in self.advice],
            "time": [hour.as_dict() for hour in self.hours],
        }


def report(
    hours: int = HOURS, scans: Callable[[Ledger], Mapping[str, Scan]] | None = None
) -> Report:
    """Of the last hours. `scans` knows what the server read. Raises Unavailable."""
    found = sharing.ledgers(hours)
    ledger = sharing.together(found)
    advice = advise(ledger, scans(ledger) if scans else None)
    each = {one.digest: one.saves * ledger.hours / ledger.lines[one.digest].calls for one in advice}
    return Report(ledger, advice, [_hour(number, one, each) for number, one in found.items()])


def of(ledger: Ledger, scans: Mapping[str, Scan]) -> Report:
    """Of a ledger that came from elsewhere."""
    return Report(ledger, advise(ledger, scans), [])


def _hour(number: int, ledger: Ledger, each: Mapping[str, float]) -> Hour:
    lines = [line for line in ledger.lines.values() if line.kind != "write" and line.loads]
    return Hour(
        datetime.fromtimestamp(number * 3600, tz=UTC),
        sum(line.hits * line.load_sum / line.loads for line in lines) / 1000,
        sum(line.calls * each.get(digest, 0.0) for digest, line in ledger.lines.items()),
    )


class Sentences:
    """What the panel marks statements with."""

    def __init__(self) -> None:
        self.made_at = float("-inf")
        self.kept: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        if time.monotonic() - self.made_at > FRESH:
            self.made_at = time.monotonic()
            try:
                self.kept = {one.digest: one.sentence for one in report(hours=2).advice}
            except Unavailable:
                self.kept = {}
        return self.kept


sentences = Sentences()
