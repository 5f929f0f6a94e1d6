"""The planets of a star by their distance, on a logarithmic line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..models import Planet

WIDTH, LEFT, RIGHT = 900, 70, 60
LANES = 4  # heights for names, so that they do not touch
LETTER = 9.5  # a wide letter of a name, at its size in the chart
AU = 149.6  # million km


@dataclass(frozen=True)
class Orbit:
    planet: Planet
    x: float
    lane: int
    here: bool

    @property
    def text_y(self) -> float:
        return 120 + 22 * self.lane


@dataclass(frozen=True)
class Chart:
    star: str
    orbits: Sequence[Orbit]
    marks: Sequence[tuple[float, str]]  # place and name of round distances


def chart(planet: Planet, system: Sequence[Planet]) -> Chart | None:
    """None where the distance of the planet itself is not known."""
    if not planet.distance:
        return None
    known = sorted((p for p in system if p.distance), key=lambda p: p.distance or 0)
    nearest, farthest = known[0].distance or 1, known[-1].distance or 1
    low, high = math.log10(nearest) - 0.3, math.log10(farthest) + 0.3

    def place(distance: float) -> float:
        return LEFT + (math.log10(distance) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    ends = [0.0] * LANES  # where the last name of each lane ends
    orbits = []
    for other in known:
        x, half = place(other.distance or 1), LETTER * len(other.name) / 2
        lane = next((n for n in range(LANES) if ends[n] < x - half), LANES - 1)
        ends[lane] = x + half + 6
        orbits.append(Orbit(other, x, lane, other.pk == planet.pk))
    powers = range(math.ceil(low - math.log10(AU)), math.floor(high - math.log10(AU)) + 1)
    marks = [(place(AU * 10.0**n), f"{10.0**n:,g} au") for n in powers]
    return Chart(planet.star or "Star", orbits, marks)
