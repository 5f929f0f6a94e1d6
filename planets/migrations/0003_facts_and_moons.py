import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import planets.fields
import planets.models


class Migration(migrations.Migration):
    dependencies = (("planets", "0002_name_required"),)

    operations = (
        migrations.AddField(
            model_name="planet",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("terrestrial", "Terrestrial planet"),
                    ("gas-giant", "Gas giant"),
                    ("ice-giant", "Ice giant"),
                ],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="planet",
            name="position",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Counted from the Sun: Mercury is 1.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        1, "Must be %(limit_value)s or more, not %(show_value)s."
                    )
                ],
                verbose_name="order from the Sun",
            ),
        ),
        migrations.AddField(
            model_name="planet",
            name="mass",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="radius",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="density",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="gravity",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="escape_velocity",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="rotation_period",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="day_length",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="axial_tilt",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="distance",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="orbital_period",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="orbital_velocity",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="mean_temperature",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="surface_pressure",
            field=planets.fields.FactField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="planet",
            name="has_rings",
            field=models.BooleanField(blank=True, null=True, verbose_name="rings"),
        ),
        migrations.AddField(
            model_name="planet",
            name="has_magnetic_field",
            field=models.BooleanField(blank=True, null=True, verbose_name="magnetic field"),
        ),
        migrations.AddField(
            model_name="planet",
            name="description",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="planet",
            name="colour",
            field=models.CharField(
                db_default="#9aa3b2",
                default="#9aa3b2",
                help_text="The main colour of its picture.",
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A#[0-9a-fA-F]{6}\\Z",
                        "A colour is # and six hexadecimal digits, as #1f6feb.",
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="planet",
            name="accent",
            field=models.CharField(
                db_default="#6b7385",
                default="#6b7385",
                help_text="The colour of its bands or lands.",
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A#[0-9a-fA-F]{6}\\Z",
                        "A colour is # and six hexadecimal digits, as #1f6feb.",
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="planet",
            name="ring_colour",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="For broad rings such as Saturn's; faint rings need none.",
                max_length=7,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A#[0-9a-fA-F]{6}\\Z",
                        "A colour is # and six hexadecimal digits, as #1f6feb.",
                    )
                ],
            ),
        ),
        migrations.CreateModel(
            name="Moon",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                (
                    "radius",
                    models.FloatField(
                        blank=True,
                        help_text="The mean, in km.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(
                                0, "Must be %(limit_value)s or more, not %(show_value)s."
                            )
                        ],
                    ),
                ),
                (
                    "orbital_period",
                    models.FloatField(
                        blank=True,
                        help_text="In days; negative where it orbits backwards.",
                        null=True,
                    ),
                ),
                (
                    "discovery_year",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(
                                1610,
                                "Must be 1610, the year of the first discovery, or later.",
                            ),
                            django.core.validators.MaxValueValidator(
                                planets.models.this_year, "Must be this year or earlier."
                            ),
                        ],
                    ),
                ),
                ("discoverer", models.CharField(blank=True, default="", max_length=80)),
                (
                    "planet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="moons",
                        to="planets.planet",
                    ),
                ),
            ],
            options={
                "db_table": "moon",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("planet", "name"),
                        name="moon_name_of_planet",
                        violation_error_message="This planet already has a moon of that name.",
                    )
                ],
            },
        ),
    )
