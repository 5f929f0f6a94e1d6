"""The NASA Exoplanet Archive's CSV: its table of composite planet data, PSCompPars.

Its columns: https://exoplanetarchive.ipac.caltech.edu/docs/API_PS_columns.html
"""

from __future__ import annotations

from ..models import Planet
from .importing import (
    ASTRONOMICAL_UNIT,
    EARTH_MASS,
    EARTH_RADIUS,
    JUPITER_MASS,
    JUPITER_RADIUS,
    ZERO_CELSIUS,
    kind_of,
    measure,
)

NEEDS = frozenset({"pl_name", "hostname"})
METHODS = {
    "Transit": Planet.Method.TRANSIT,
    "Radial Velocity": Planet.Method.RADIAL_VELOCITY,
    "Microlensing": Planet.Method.MICROLENSING,
    "Imaging": Planet.Method.IMAGING,
    "Astrometry": Planet.Method.ASTROMETRY,
    "Orbital Brightness Modulation": Planet.Method.BRIGHTNESS,
    "Disk Kinematics": Planet.Method.DISC_KINEMATICS,
    "Transit Timing Variations": Planet.Method.TIMING,
    "Eclipse Timing Variations": Planet.Method.TIMING,
    "Pulsar Timing": Planet.Method.TIMING,
    "Pulsation Timing Variations": Planet.Method.TIMING,
}


def read(cell: dict[str, str]) -> tuple[str, dict[str, object]]:
    """The name and the facts of a row. Raises BadRow."""
    mass = measure(cell.get("pl_bmasse"), EARTH_MASS)
    if mass is None:
        mass = measure(cell.get("pl_bmassj"), JUPITER_MASS)
    radius = measure(cell.get("pl_rade"), EARTH_RADIUS)
    if radius is None:
        radius = measure(cell.get("pl_radj"), JUPITER_RADIUS)
    year = measure(cell.get("disc_year"))
    return cell["pl_name"].strip(), {
        "kind": kind_of(radius, mass),
        "mass": mass,
        "radius": radius,
        "distance": measure(cell.get("pl_orbsmax"), ASTRONOMICAL_UNIT),
        "orbital_period": measure(cell.get("pl_orbper")),
        "equilibrium_temperature": measure(cell.get("pl_eqt"), minus=ZERO_CELSIUS),
        "star": cell["hostname"].strip(),
        "star_distance": measure(cell.get("sy_dist")),
        "discovery_year": None if year is None else int(year),
        "discovery_method": METHODS.get(cell.get("discoverymethod", "").strip(), ""),
    }
