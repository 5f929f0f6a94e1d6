"""The Open Exoplanet Catalogue's CSV.

https://github.com/OpenExoplanetCatalogue/oec_tables
"""

from __future__ import annotations

import re

from ..models import Planet
from .importing import (
    ASTRONOMICAL_UNIT,
    JUPITER_MASS,
    JUPITER_RADIUS,
    ZERO_CELSIUS,
    BadRow,
    kind_of,
    measure,
)

NEEDS = frozenset({"name", "binaryflag", "semimajoraxis"})
METHODS = {
    "transit": Planet.Method.TRANSIT,
    "RV": Planet.Method.RADIAL_VELOCITY,
    "microlensing": Planet.Method.MICROLENSING,
    "imaging": Planet.Method.IMAGING,
    "timing": Planet.Method.TIMING,
    "astrometry": Planet.Method.ASTROMETRY,
}


def read(cell: dict[str, str]) -> tuple[str, dict[str, object]]:
    """The name and the facts of a row. Raises BadRow."""
    if "Retracted" in cell.get("list", ""):
        raise BadRow("its discovery was retracted")
    name = cell["name"].strip()
    mass = measure(cell.get("mass"), JUPITER_MASS)
    radius = measure(cell.get("radius"), JUPITER_RADIUS)
    year = measure(cell.get("discoveryyear"))
    # It names no star, and planets are called after theirs: Kepler-90 b.
    star = re.fullmatch(r"(.+) [a-z]", name)
    return name, {
        "kind": kind_of(radius, mass),
        "mass": mass,
        "radius": radius,
        "distance": measure(cell.get("semimajoraxis"), ASTRONOMICAL_UNIT),
        "orbital_period": measure(cell.get("period")),
        "equilibrium_temperature": measure(cell.get("temperature"), minus=ZERO_CELSIUS),
        "star": star[1] if star else "",
        "star_distance": measure(cell.get("system_distance")),
        "discovery_year": None if year is None else int(year),
        "discovery_method": METHODS.get(cell.get("discoverymethod", "").strip(), ""),
    }
