import datetime

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

from .cache import Records
from .facts import BY_FIELD
from .fields import FactField, UnsignedAutoField, at_least, at_most
from .managers import MoonManager, PlanetManager

COLOUR = RegexValidator(
    r"\A#[0-9a-fA-F]{6}\Z", "A colour is # and six hexadecimal digits, as #1f6feb."
)


def this_year() -> int:
    return datetime.datetime.now(tz=datetime.UTC).year


class Planet(models.Model):
    """A row of `planet`: the tutorial's id and name, then the facts.

    A plain `INSERT INTO planet (name)` still works, and `SELECT *` is plain JSON: every other
    column is nullable or has a default in the database, and none is a decimal, date or blob.
    """

    class Kind(models.TextChoices):
        TERRESTRIAL = "terrestrial", "Terrestrial planet"
        GAS_GIANT = "gas-giant", "Gas giant"
        ICE_GIANT = "ice-giant", "Ice giant"
        DWARF = "dwarf-planet", "Dwarf planet"
        SUPER_EARTH = "super-earth", "Super-Earth"
        NEPTUNE_LIKE = "neptune-like", "Neptune-like planet"

    class Method(models.TextChoices):
        TRANSIT = "transit", "Transit"
        RADIAL_VELOCITY = "radial-velocity", "Radial velocity"
        MICROLENSING = "microlensing", "Microlensing"
        IMAGING = "imaging", "Imaging"
        TIMING = "timing", "Timing"
        ASTROMETRY = "astrometry", "Astrometry"
        BRIGHTNESS = "brightness", "Orbital brightness"
        DISC_KINEMATICS = "disc-kinematics", "Disc kinematics"
        SIGHT = "sight", "Seen in the sky"

    class Source(models.TextChoices):
        NASA = "nasa", "NASA Exoplanet Archive"
        OPEN = "open", "Open Exoplanet Catalogue"

    id = UnsignedAutoField(primary_key=True)
    name = models.CharField(max_length=30)
    kind = models.CharField(
        max_length=16, choices=Kind.choices, blank=True, default="", db_default=""
    )
    position = models.PositiveSmallIntegerField(
        "order from the Sun",
        null=True,
        blank=True,
        validators=[at_least(1), at_most(1_000)],
        help_text="Counted from the Sun: Mercury is 1.",
    )
    mass = FactField(null=True, blank=True)
    radius = FactField(null=True, blank=True)
    density = FactField(null=True, blank=True)
    gravity = FactField(null=True, blank=True)
    escape_velocity = FactField(null=True, blank=True)
    rotation_period = FactField(null=True, blank=True)
    day_length = FactField(null=True, blank=True)
    distance = FactField(null=True, blank=True)
    orbital_period = FactField(null=True, blank=True)
    orbital_velocity = FactField(null=True, blank=True)
    axial_tilt = FactField(null=True, blank=True)
    mean_temperature = FactField(null=True, blank=True)
    surface_pressure = FactField(null=True, blank=True)
    equilibrium_temperature = FactField(null=True, blank=True)
    star = models.CharField(
        "host star",
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="What it goes round: the Sun, for the planets of the solar system.",
    )
    star_distance = FactField(null=True, blank=True)
    discovery_year = models.PositiveSmallIntegerField(
        "year of discovery",
        null=True,
        blank=True,
        validators=[
            MinValueValidator(1600, "Must be 1600 or later."),
            MaxValueValidator(this_year, "Must be this year or earlier."),
        ],
    )
    discovery_method = models.CharField(
        "method of discovery",
        max_length=16,
        choices=Method.choices,
        blank=True,
        default="",
        db_default="",
    )
    has_rings = models.BooleanField("rings", null=True, blank=True)
    has_magnetic_field = models.BooleanField("magnetic field", null=True, blank=True)
    description = models.CharField(max_length=500, blank=True, default="", db_default="")
    colour = models.CharField(
        max_length=7,
        default="#9aa3b2",
        db_default="#9aa3b2",
        validators=[COLOUR],
        help_text="The main colour of its picture.",
    )
    accent = models.CharField(
        max_length=7,
        default="#6b7385",
        db_default="#6b7385",
        validators=[COLOUR],
        help_text="The colour of its bands or lands.",
    )
    ring_colour = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        validators=[COLOUR],
        help_text="For broad rings such as Saturn's; faint rings need none.",
    )

    # Which catalogue it was imported from, and the names of the fields that are as they were there.
    source = models.CharField(
        max_length=8, choices=Source.choices, editable=False, default="", db_default=""
    )
    sourced = models.CharField(max_length=200, editable=False, default="", db_default="")

    objects = PlanetManager()
    records = Records["Planet"]()

    class Meta:
        db_table = "planet"
        # One for each order of the list, which is read to the end of a page. A facet has its rows
        # in the usual order beside it, so that those of a page need no sorting.
        indexes = (
            *(
                models.Index(fields=[field], name=f"planet_{field}")
                for field in ("position", "name", "discovery_year", *BY_FIELD)
            ),
            *(
                models.Index(fields=[facet, "position"], name=f"planet_by_{facet}")
                for facet in ("kind", "star", "discovery_method")
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("planets:planet", args=[self.pk])


class Moon(models.Model):
    planet = models.ForeignKey(Planet, on_delete=models.CASCADE, related_name="moons")
    name = models.CharField(max_length=40)
    radius = models.FloatField(
        null=True,
        blank=True,
        validators=[at_least(0), at_most(100_000)],
        help_text="The mean, in km.",
    )
    orbital_period = models.FloatField(
        null=True,
        blank=True,
        validators=[at_least(-1_000_000), at_most(1_000_000)],
        help_text="In days; negative where it orbits backwards.",
    )
    discovery_year = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[
            MinValueValidator(1610, "Must be 1610, the year of the first discovery, or later."),
            MaxValueValidator(this_year, "Must be this year or earlier."),
        ],
    )
    discoverer = models.CharField(max_length=80, blank=True, default="")

    objects = MoonManager()

    class Meta:
        db_table = "moon"
        constraints = (
            models.UniqueConstraint(
                fields=["planet", "name"],
                name="moon_name_of_planet",
                violation_error_message="This planet already has a moon of that name.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def radius_text(self) -> str:
        return BY_FIELD["radius"].text(self.radius)

    @property
    def period_text(self) -> str:
        return BY_FIELD["orbital_period"].text(self.orbital_period)

    def get_absolute_url(self) -> str:
        return f"{self.planet.get_absolute_url()}#moon-{self.pk}"
