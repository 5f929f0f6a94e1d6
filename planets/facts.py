"""The facts of a planet: one entry names each fact's field, label, unit, limits and group.

Models, admin, the list's sort, the detail page and the comparison all draw on FACTS.
Values and units follow NASA's Planetary Fact Sheet (metric), by D. R. Williams, NSSDCA:
https://nssdc.gsfc.nasa.gov/planetary/factsheet/ and its notes, planetfact_notes.html.
"""

from dataclasses import dataclass

ABSOLUTE_ZERO = -273.15  # °C
MISSING = "unknown"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Fact:
    """A measured fact. `earth` is NASA's value for the Earth, where a ratio to it makes sense."""

    field: str
    label: str
    unit: str
    group: str
    help: str
    minimum: float | None = 0
    maximum: float | None = None
    earth: float | None = None

    def text(self, value: float | None) -> str:
        """The value with its unit, as "5.97 × 10²⁴ kg", which a line end does not part."""
        if value is None:
            return MISSING
        times = "× " if self.unit[0].isdigit() else ""
        gap = "" if self.unit == "°" else " "
        return f"{number(value)}{gap}{times}{self.unit}".replace(" ", "\N{NO-BREAK SPACE}")

    def times_earth(self, value: float | None) -> str:
        """The value as a multiple of the Earth's, "" where there is none to tell."""
        return ratio(value / self.earth) if value is not None and self.earth else ""


def number(value: float) -> str:
    """At most eight significant digits, thousands by comma, a true minus sign."""
    digits = ",.8g" if abs(value) < 1e8 else ",.0f"
    return format(value, digits if abs(value) < 1e15 else ".3g").replace("-", MINUS)


def ratio(value: float) -> str:
    """Three significant digits, and whole numbers from 100 up: 0.0553, 9.45, 318."""
    return format(value, ".3g" if abs(value) < 100 else ",.0f")


BODY, ORBIT, ROTATION, CLIMATE = "Body", "Orbit", "Rotation", "Air and climate"
GROUPS = (BODY, ROTATION, ORBIT, CLIMATE)

FACTS = (
    Fact("mass", "mass", "10²⁴ kg", BODY, "How much matter it holds.", earth=5.97),
    Fact("radius", "radius", "km", BODY, "From the centre to the equator.", earth=6378),
    Fact("density", "density", "kg/m³", BODY, "Mass divided by volume.", earth=5514),
    Fact(
        "gravity",
        "gravity",
        "m/s²",
        BODY,
        "At the equator; for giants where the pressure is 1 bar.",
        earth=9.8,
    ),
    Fact(
        "escape_velocity",
        "escape velocity",
        "km/s",
        BODY,
        "The speed that leaves the planet for good.",
        earth=11.2,
    ),
    Fact(
        "rotation_period",
        "rotation period",
        "hours",
        ROTATION,
        "One turn against the stars; negative where it turns backwards.",
        minimum=None,
    ),
    Fact("day_length", "length of day", "hours", ROTATION, "From noon to noon.", earth=24),
    Fact(
        "axial_tilt",
        "axial tilt",
        "°",
        ROTATION,
        "Of the equator to the orbit; above 90° it turns backwards.",
        maximum=180,
    ),
    Fact(
        "distance",
        "distance from the Sun",
        "million km",
        ORBIT,
        "The mean: half the orbit's long axis.",
        earth=149.6,
    ),
    Fact("orbital_period", "orbital period", "days", ORBIT, "One year of the planet.", earth=365.2),
    Fact(
        "orbital_velocity",
        "orbital velocity",
        "km/s",
        ORBIT,
        "The mean speed around the Sun.",
        earth=29.8,
    ),
    Fact(
        "mean_temperature",
        "mean temperature",
        "°C",
        CLIMATE,
        "At the surface; for giants where the pressure is 1 bar.",
        minimum=ABSOLUTE_ZERO,
    ),
    Fact(
        "surface_pressure",
        "surface pressure",
        "bar",
        CLIMATE,
        "Of the air at the surface; giants have no surface.",
        earth=1,
    ),
)
BY_FIELD = {fact.field: fact for fact in FACTS}


@dataclass(frozen=True)
class Trait:
    """A fact that is yes, no, or unknown."""

    field: str
    label: str
    help: str = ""

    def text(self, value: bool | None) -> str:
        return MISSING if value is None else "yes" if value else "no"


TRAITS = (
    Trait("has_rings", "rings"),
    Trait("has_magnetic_field", "magnetic field", "One that spans the planet."),
)
