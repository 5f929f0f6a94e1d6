"""From eight planets to a catalogue: host star and discovery, and an index for each order."""

from typing import Any

import django.core.validators
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import planets.fields
import planets.models
from planets.data.solar_system import PLANETS

SORTS = (
    "position", "name", "discovery_year", "mass", "radius", "density", "gravity",
    "escape_velocity", "rotation_period", "day_length", "axial_tilt", "distance",
    "orbital_period", "orbital_velocity", "mean_temperature", "equilibrium_temperature",
    "surface_pressure", "star_distance",
)  # fmt: skip
FACETS = ("kind", "star", "discovery_method")


def text(length: int, label: str | None = None, **options: Any) -> models.CharField:
    """A text that a plain INSERT leaves empty."""
    given: dict[str, Any] = {"default": "", "db_default": "", **options}
    return models.CharField(label, max_length=length, **given)


def limits(low: int, high: int) -> list[django.core.validators.BaseValidator]:
    return [planets.fields.at_least(low), planets.fields.at_most(high)]


def name_the_sun(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The planets of the Sun, by name, where they have a place in its order."""
    for facts in PLANETS:
        apps.get_model("planets", "Planet").objects.filter(
            name__iexact=facts["name"], star="", position__isnull=False
        ).update(**{name: facts[name] for name in ("star", "discovery_year", "discovery_method")})


class Migration(migrations.Migration):
    dependencies = (("planets", "0006_cache_moves_out"),)

    operations = (
        migrations.AddField(
            "planet", "equilibrium_temperature", planets.fields.FactField(blank=True, null=True)
        ),
        migrations.AddField(
            "planet",
            "star",
            text(
                40,
                "host star",
                blank=True,
                help_text="What it goes round: the Sun, for the planets of the solar system.",
            ),
        ),
        migrations.AddField(
            "planet", "star_distance", planets.fields.FactField(blank=True, null=True)
        ),
        migrations.AddField(
            "planet",
            "discovery_year",
            models.PositiveSmallIntegerField(
                "year of discovery",
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1600, "Must be 1600 or later."),
                    django.core.validators.MaxValueValidator(
                        planets.models.this_year, "Must be this year or earlier."
                    ),
                ],
            ),
        ),
        migrations.AddField(
            "planet",
            "discovery_method",
            text(
                16,
                "method of discovery",
                blank=True,
                choices=[
                    ("transit", "Transit"),
                    ("radial-velocity", "Radial velocity"),
                    ("microlensing", "Microlensing"),
                    ("imaging", "Imaging"),
                    ("timing", "Timing"),
                    ("astrometry", "Astrometry"),
                    ("brightness", "Orbital brightness"),
                    ("disc-kinematics", "Disc kinematics"),
                    ("sight", "Seen in the sky"),
                ],
            ),
        ),
        migrations.AddField(
            "planet",
            "source",
            text(
                8,
                editable=False,
                choices=[
                    ("nasa", "NASA Exoplanet Archive"),
                    ("open", "Open Exoplanet Catalogue"),
                ],
            ),
        ),
        migrations.AddField("planet", "sourced", text(200, editable=False)),
        migrations.AlterField(
            "planet",
            "kind",
            text(
                16,
                blank=True,
                choices=[
                    ("terrestrial", "Terrestrial planet"),
                    ("gas-giant", "Gas giant"),
                    ("ice-giant", "Ice giant"),
                    ("dwarf-planet", "Dwarf planet"),
                    ("super-earth", "Super-Earth"),
                    ("neptune-like", "Neptune-like planet"),
                ],
            ),
        ),
        migrations.AlterField(
            "planet",
            "position",
            models.PositiveSmallIntegerField(
                "order from the Sun",
                blank=True,
                null=True,
                help_text="Counted from the Sun: Mercury is 1.",
                validators=limits(1, 1_000),
            ),
        ),
        migrations.AlterField(
            "moon",
            "radius",
            models.FloatField(
                blank=True, null=True, help_text="The mean, in km.", validators=limits(0, 100_000)
            ),
        ),
        migrations.AlterField(
            "moon",
            "orbital_period",
            models.FloatField(
                blank=True,
                null=True,
                help_text="In days; negative where it orbits backwards.",
                validators=limits(-1_000_000, 1_000_000),
            ),
        ),
        *(
            migrations.AddIndex("planet", models.Index(fields=[field], name=f"planet_{field}"))
            for field in SORTS
        ),
        *(
            migrations.AddIndex(
                "planet", models.Index(fields=[facet, "position"], name=f"planet_by_{facet}")
            )
            for facet in FACETS
        ),
        migrations.RunPython(name_the_sun, migrations.RunPython.noop),
    )
