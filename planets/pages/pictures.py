"""Drawings of planets: plain numbers, which templates/planets/_globe.svg turns into SVG.

A globe has the radius 100 and its centre at the origin. The same planet is drawn the same way
each time: what looks random is taken from a digest of its name.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import count
from typing import ClassVar

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from ..models import Planet

SUN_RADIUS = 695_700  # km
LETTER = 13  # a wide letter of a name, at its size in the picture
LINE, LONGEST = 12, 18  # letters: a longer name takes two lines; more of one are cut
SMALLEST = 0.02  # the factor of a globe that is just seen
# Saturn's rings C, B and A, in hundredths of its radius: middle, width, and opacity.
BROAD_RINGS = ((138.0, 28.0, 0.3), (174.0, 42.0, 0.85), (215.0, 24.0, 0.6))
FAINT_RINGS = ((120.0, 1.6, 0.7),)
# Top, height and opacity, from the north pole at -100 to the south pole at 100.
BANDS: dict[str, tuple[tuple[float, float, float], ...]] = {
    Planet.Kind.GAS_GIANT: (
        (-92, 14, 0.5), (-62, 8, 0.35), (-42, 16, 0.7), (-10, 7, 0.3),
        (10, 18, 0.75), (42, 7, 0.4), (58, 11, 0.5), (80, 18, 0.5),
    ),
    Planet.Kind.ICE_GIANT: ((-100, 40, 0.35), (-22, 30, 0.16), (28, 22, 0.26), (66, 34, 0.4)),
}  # fmt: skip
BANDS[Planet.Kind.NEPTUNE_LIKE] = BANDS[Planet.Kind.ICE_GIANT]
LANDS: dict[str, int] = {
    Planet.Kind.TERRESTRIAL: 10,
    Planet.Kind.SUPER_EARTH: 8,
    Planet.Kind.DWARF: 5,
}


@dataclass(frozen=True)
class Globe:
    """`bands` and `lands` are path data with an opacity, `rings` radius, width and opacity."""

    colour: str
    accent: str
    ring_colour: str
    tilt: float
    bands: tuple[tuple[str, float], ...]
    lands: tuple[tuple[str, float], ...]
    rings: tuple[tuple[float, float, float], ...]

    @cached_property
    def svg(self) -> SafeString:
        """Once for each globe: it is most of the work of a page."""
        return render_to_string("planets/_globe.svg", {"globe": self})

    @property
    def reach(self) -> float:
        """How far to the left and right of the centre anything is drawn."""
        rings = max((radius + width / 2 for radius, width, _ in self.rings), default=0)
        return max(105, rings * abs(math.cos(math.radians(self.tilt))))

    @property
    def view_box(self) -> str:
        half = max(self.reach + 8, 125)
        return f"{-half:g} {-half:g} {2 * half:g} {2 * half:g}"


@dataclass(frozen=True)
class Placed:
    """A globe in a scene: its centre, the factor that makes it its size, its column."""

    planet: Planet
    globe: Globe
    x: float
    scale: float
    left: float
    width: float
    name: tuple[str, ...]  # in lines

    @property
    def lines(self) -> list[tuple[float, str]]:
        """Each line of the name with its height in the picture."""
        return [
            (352 + 12 * (1 - len(self.name)) + 24 * row, text) for row, text in enumerate(self.name)
        ]


@dataclass(frozen=True)
class Scene:
    """Globes in a row, their sizes true to scale, their distances not.

    Of the Sun, at the same scale, only the limb is seen: it ends at `SUN_EDGE` from the left.
    """

    placed: Sequence[Placed]
    width: float
    sun_radius: float
    sun: bool = False  # whether it is in the picture
    enlarged: bool = False  # whether the smallest are not to scale, so that they are seen

    SUN_EDGE: ClassVar = 96

    @property
    def sun_x(self) -> float:
        return self.SUN_EDGE - self.sun_radius


def globe(planet: Planet) -> Globe:
    rings = BROAD_RINGS if planet.ring_colour else FAINT_RINGS if planet.has_rings else ()
    colours = planet.colour, planet.accent, planet.ring_colour or planet.colour
    return _globe(planet.name, planet.kind, *colours, planet.axial_tilt or 0, rings)


@lru_cache(maxsize=256)
def _globe(
    name: str,
    kind: str,
    colour: str,
    accent: str,
    ring_colour: str,
    tilt: float,
    rings: tuple[tuple[float, float, float], ...],
) -> Globe:
    chance = _chance(name)
    return Globe(
        colour=colour,
        accent=accent,
        ring_colour=ring_colour,
        tilt=tilt,
        bands=tuple(
            (_band(top + 5 * next(chance), height), opacity)
            for top, height, opacity in BANDS.get(kind, ())
        ),
        lands=tuple((_land(chance), 0.4 + 0.4 * next(chance)) for _ in range(LANDS.get(kind, 0))),
        rings=rings,
    )


def scene(planets: Sequence[Planet], *, sun: bool) -> Scene:
    """The planets whose radius is known, from left to right; the largest is 290 wide."""
    known = [planet for planet in planets if planet.radius]
    largest = max((planet.radius or 0 for planet in known), default=1)
    per_km = 145 / largest
    left: float = Scene.SUN_EDGE + 18 if sun else 8
    placed: list[Placed] = []
    enlarged = False
    for planet in known:
        drawn = globe(planet)
        scale = max((planet.radius or 0) * per_km / 100, SMALLEST)
        enlarged = enlarged or scale == SMALLEST
        name = in_lines(planet.name)
        text = LETTER * max(map(len, name)) + 14
        width = max(2 * scale * drawn.reach + 16, 92, text)
        placed.append(Placed(planet, drawn, left + width / 2, scale, left, width, name))
        left += width
    return Scene(placed, left + 8, SUN_RADIUS * per_km, sun, enlarged)


def in_lines(name: str) -> tuple[str, ...]:
    """A name in one line or two, parted where a space or a hyphen is nearest to its middle."""
    if len(name) <= LINE:
        return (name,)
    breaks = [place + 1 for place, letter in enumerate(name[:-1]) if letter in " -"]
    middle = min(breaks, key=lambda place: abs(place - len(name) / 2), default=0)
    lines = (name[:middle].strip(), name[middle:]) if middle else (name,)
    return tuple(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in lines)


def _chance(seed: str) -> Iterator[float]:
    """Numbers from 0 to 1 that depend on the seed alone."""
    for block in count():
        for byte in blake2b(f"{seed}/{block}".encode()).digest():
            yield byte / 255


def _band(top: float, height: float) -> str:
    """A band around the globe, bent as if seen from a little above the equator."""
    return f"M-110 {top:.1f}q110 22 220 0v{height:g}q-110 22-220 0z"


def _land(chance: Iterator[float]) -> str:
    """A closed outline like a coast: corners at uneven distances, joined by smooth curves."""
    size = 10 + 24 * next(chance)
    angle, distance = 2 * math.pi * next(chance), 88 * math.sqrt(next(chance))
    x, y = distance * math.cos(angle), distance * math.sin(angle)
    corners = []
    for step in range(9):
        turn = 2 * math.pi * step / 9
        reach = size * (0.55 + 0.7 * next(chance))
        corners.append((x + 1.25 * reach * math.cos(turn), y + 0.85 * reach * math.sin(turn)))
    middles = [
        ((x1 + x2) / 2, (y1 + y2) / 2)
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    curves = "".join(
        f"Q{cx:.1f} {cy:.1f} {mx:.1f} {my:.1f}"
        for (cx, cy), (mx, my) in zip(
            corners[1:] + corners[:1], middles[1:] + middles[:1], strict=True
        )
    )
    return f"M{middles[0][0]:.1f} {middles[0][1]:.1f}{curves}z"
