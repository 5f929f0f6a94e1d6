"""Eight stars, with the ids 1 to 8, and their comets."""

from __future__ import annotations

from .models import Comet, Star

# Name, kind, mass, radius, gravity, surface pressure: made up, but for the names.
STARS = [
    ("Mira", "giant", 1.2, 332.0, 0.3, 1.0),
    ("Vega", "dwarf", 2.1, 2.4, 113.0, 92.0),
    ("Electra", "giant", 3.6, 6.1, 9.8, 1.014),
    ("Maia", "giant", 3.8, 5.5, 3.7, 0.01),
    ("Kochab", "giant", 2.2, 42.1, 24.8, None),
    ("Sirius", "dwarf", 2.06, 1.71, 10.4, None),
    ("Spica", "giant", 1.66, 13.48, 8.9, None),
    ("Naos", "supergiant", 56.1, 20.0, 11.2, None),
]
COMETS = [(3, "Halley", 5.5), (4, "Holmes", 1.7), (5, "Encke", 2.4), (5, "Olbers", 23.0)]


def fill() -> None:
    """Fill them in where there are none; the class of a TestCase has filled them in already."""
    if Star.objects.exists():
        return
    columns = ("name", "kind", "mass", "radius", "gravity", "surface_pressure")
    Star.objects.bulk_create(
        Star(id=number, position=number, **dict(zip(columns, facts, strict=True)))
        for number, facts in enumerate(STARS, start=1)
    )
    Comet.objects.bulk_create(
        Comet(star_id=star_id, name=name, radius=radius) for star_id, name, radius in COMETS
    )
