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
    """A measured fact. `earth` is NASA's value for the Earth, where a ratio to it makes sense.

    `minimum` and `maximum` are what a planet may have; beyond them is a slip of the pen, or a star.
    `power` is the power of ten that the unit begins with, as 24 in 10²⁴ kg.
    """

    field: str
    label: str
    unit: str
    group: str
    help: str
    minimum: float | None = 0
    maximum: float | None = None
    earth: float | None = None
    power: int = 0

    def text(self, value: float | None) -> str:
        """The value with its unit, as "1.898 × 10²⁷ kg", which a line end does not part."""
        if value is None:
            return MISSING
        gap = "" if self.unit == "°" else " "
        text = f"{number(value)}{gap}{self.unit}"
        if self.power:
            text = f"{scientific(value, self.power)} {self.unit.partition(' ')[2]}"
        return text.replace(" ", "\N{NO-BREAK SPACE}")

    def times_earth(self, value: float | None) -> str:
        """The value as a multiple of the Earth's, "" where there is none to tell."""
        return ratio(value / self.earth) if value is not None and self.earth else ""


def number(value: float) -> str:
    """At most eight significant digits, thousands by comma, a true minus sign."""
    digits = ",.8g" if abs(value) < 1e8 else ",.0f"
    return format(value, digits if abs(value) < 1e15 else ".3g").replace("-", MINUS)


SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def scientific(value: float, power: int) -> str:
    """`value` × 10^`power` with one digit before the point: 1898, 24 is 1.898 × 10²⁷."""
    digits, exponent = f"{value:.7e}".split("e")
    if not value:
        return "0"
    shown = digits.rstrip("0").rstrip(".").replace("-", MINUS)
    return f"{shown} × 10{str(int(exponent) + power).translate(SUPERSCRIPT)}"


def ratio(value: float) -> str:
    """Three significant digits, and whole numbers from 100 up: 0.0553, 9.45, 318."""
    return format(value, ".3g" if abs(value) < 100 else ",.0f")


BODY, ORBIT, ROTATION, CLIMATE = "Body", "Orbit", "Rotation", "Air and climate"
DISCOVERY = "Star and discovery"
GROUPS = (BODY, ROTATION, ORBIT, CLIMATE, DISCOVERY)

# The largest values are some times those of the most extreme planets that are known.
FACTS = (
    Fact(
        "mass",
        "mass",
        "10²⁴ kg",
        BODY,
        "How much matter it holds.",
        maximum=200_000,
        earth=5.97,
        power=24,
    ),
    Fact(
        "radius",
        "radius",
        "km",
        BODY,
        "From the centre to the equator.",
        maximum=1_000_000,
        earth=6378,
    ),
    Fact(
        "density",
        "density",
        "kg/m³",
        BODY,
        "Mass divided by volume.",
        maximum=500_000,
        earth=5514,
    ),
    Fact(
        "gravity",
        "gravity",
        "m/s²",
        BODY,
        "At the equator; for giants where the pressure is 1 bar.",
        maximum=10_000,
        earth=9.8,
    ),
    Fact(
        "escape_velocity",
        "escape velocity",
        "km/s",
        BODY,
        "The speed that leaves the planet for good.",
        maximum=10_000,
        earth=11.2,
    ),
    Fact(
        "rotation_period",
        "rotation period",
        "hours",
        ROTATION,
        "One turn against the stars; negative where it turns backwards.",
        minimum=-1_000_000,
        maximum=1_000_000,
    ),
    Fact(
        "day_length",
        "length of day",
        "hours",
        ROTATION,
        "From noon to noon.",
        maximum=1_000_000,
        earth=24,
    ),
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
        "distance from its star",
        "million km",
        ORBIT,
        "The mean: half the orbit's long axis.",
        maximum=100_000_000,
        earth=149.6,
    ),
    Fact(
        "orbital_period",
        "orbital period",
        "days",
        ORBIT,
        "One year of the planet.",
        maximum=10_000_000_000,
        earth=365.2,
    ),
    Fact(
        "orbital_velocity",
        "orbital velocity",
        "km/s",
        ORBIT,
        "The mean speed around its star.",
        maximum=10_000,
        earth=29.8,
    ),
    Fact(
        "mean_temperature",
        "mean temperature",
        "°C",
        CLIMATE,
        "At the surface; for giants where the pressure is 1 bar.",
        minimum=ABSOLUTE_ZERO,
        maximum=10_000,
    ),
    Fact(
        "equilibrium_temperature",
        "equilibrium temperature",
        "°C",
        CLIMATE,
        "What the light of its star alone keeps it at.",
        minimum=ABSOLUTE_ZERO,
        maximum=10_000,
    ),
    Fact(
        "surface_pressure",
        "surface pressure",
        "bar",
        CLIMATE,
        "Of the air at the surface; giants have no surface.",
        maximum=1_000_000,
        earth=1,
    ),
    Fact(
        "star_distance",
        "distance from us",
        "parsecs",
        DISCOVERY,
        "Of its star from the Sun; a parsec is 3.26 light years.",
        maximum=100_000,
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
