"""The database's time that was saved in each hour, and that could be, as the bars of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from ..lab.advisor import HOURS, Hour

BAR, GAP, HEIGHT = 14, 4, 100


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: what was saved stands below, what could be besides on top of it."""

    x: int
    saved: float  # heights
    could: float
    label: str

    @property
    def width(self) -> int:
        return BAR

    @property
    def saved_top(self) -> float:
        return HEIGHT - self.saved

    @property
    def could_top(self) -> float:
        return HEIGHT - self.saved - self.could


def bars(hours: Sequence[Hour]) -> list[Bar]:
    """The newest hour is the last one on the right; one that nobody told of has no bar."""
    most = highest(hours)
    if not most:
        return []
    newest = max(hour.start for hour in hours)
    found = []
    for hour in hours:
        ago = round((newest - hour.start).total_seconds() / 3600)
        at = f"{timezone.localtime(hour.start):%H:%M}"
        label = f"{at}: {hour.saved:.1f} s saved, {hour.could:.1f} s more could be"
        saved, could = (round(HEIGHT * part / most, 2) for part in (hour.saved, hour.could))
        found.append(Bar((HOURS - 1 - ago) * (BAR + GAP), saved, could, label))
    return found


def highest(hours: Sequence[Hour]) -> float:
    """Seconds that the chart is high."""
    return max((hour.saved + hour.could for hour in hours), default=0.0)


WIDTH = HOURS * (BAR + GAP)
