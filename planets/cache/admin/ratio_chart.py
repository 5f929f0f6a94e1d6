"""The hit ratio and the traffic of each minute as bars of a chart, in the units of its viewBox.

A ratio tells nothing of how much it is of, so below it stands how many fetches each minute had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from ..instruments.history import Minute, ratio
from ..instruments.wording import share

BAR, GAP, HEIGHT = 5, 1, 100
TRAFFIC = 36  # high, of the busiest minute


@dataclass(frozen=True, slots=True)
class Bar:
    """A minute with fetches: the lower part of the full height is its hits."""

    x: int
    width: int
    top: float
    hits: float
    label: str
    traffic: float  # height of the bar of its fetches; the part of hits at its foot
    traffic_hits: float

    @property
    def traffic_top(self) -> float:
        return TRAFFIC - self.traffic

    @property
    def traffic_hits_top(self) -> float:
        return TRAFFIC - self.traffic_hits


def bars(minutes: Sequence[Minute]) -> list[Bar]:
    """From the oldest minute on the left; a minute that looked nothing up has no bar."""
    found = []
    most = busiest(minutes) or 1
    for place, minute in enumerate(minutes):
        hit = ratio([minute])
        if hit is None:
            continue
        at = f"{timezone.localtime(minute.start):%H:%M}"
        label = f"{at}: {share(hit)} of {minute.asked:,}"
        height = round(hit * HEIGHT, 2)
        traffic = max(1.0, round(TRAFFIC * minute.asked / most, 2))  # of one fetch, too, to be seen
        found.append(
            Bar(
                place * (BAR + GAP), BAR, HEIGHT - height, height, label,
                traffic, round(traffic * hit, 2),
            )
        )  # fmt: skip
    return found


def busiest(minutes: Sequence[Minute]) -> int:
    """Fetches of the minute that had most."""
    return max((minute.asked for minute in minutes), default=0)


def width(minutes: Sequence[Minute]) -> int:
    return len(minutes) * (BAR + GAP)
