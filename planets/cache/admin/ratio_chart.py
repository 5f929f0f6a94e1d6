"""The hit ratio of each minute as the bars of a chart, in the units of its viewBox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from ..instruments.history import Minute, ratio
from ..instruments.wording import share

BAR, GAP, HEIGHT = 5, 1, 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A minute with fetches: the lower part of the full height is its hits."""

    x: int
    width: int
    top: float
    hits: float
    label: str


def bars(minutes: Sequence[Minute]) -> list[Bar]:
    """From the oldest minute on the left; a minute that looked nothing up has no bar."""
    found = []
    for place, minute in enumerate(minutes):
        hit = ratio([minute])
        if hit is None:
            continue
        at = f"{timezone.localtime(minute.start):%H:%M}"
        label = f"{at}: {share(hit)} of {minute.asked:,}"
        height = round(hit * HEIGHT, 2)
        found.append(Bar(place * (BAR + GAP), BAR, HEIGHT - height, height, label))
    return found


def width(minutes: Sequence[Minute]) -> int:
    return len(minutes) * (BAR + GAP)
