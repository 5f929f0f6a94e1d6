import json

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from planets.models import Moon, Planet

pytestmark = pytest.mark.django_db


def errors_of(instance: Planet | Moon) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        instance.full_clean()
    return caught.value.message_dict


def test_a_fresh_database_has_the_tutorials_planets_as_1_to_8() -> None:
    assert list(Planet.objects.order_by("id").values_list("id", "name")) == [
        (1, "Mercury"),
        (2, "Venus"),
        (3, "Earth"),
        (4, "Mars"),
        (5, "Jupiter"),
        (6, "Saturn"),
        (7, "Uranus"),
        (8, "Neptune"),
    ]


def test_the_tutorials_program_can_still_read_every_column_as_json() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM planet")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    earth = json.loads(json.dumps(rows))[2]
    assert (earth["id"], earth["name"], earth["mass"]) == (3, "Earth", 5.97)


def test_the_tutorials_program_can_still_insert_a_name_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO planet (name) VALUES ('Pluto')")

    pluto = Planet.objects.get(name="Pluto")
    assert (pluto.kind, pluto.mass, pluto.has_rings, pluto.colour) == ("", None, None, "#9aa3b2")
    pluto.full_clean()


@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has no unsigned integers")
def test_ids_are_unsigned_and_the_moons_point_to_them() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, column_type, extra FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND (table_name, column_name) IN"
            " (('planet', 'id'), ('planet', 'name'), ('moon', 'planet_id')) ORDER BY 1, 2"
        )
        found = [(a, b, c.replace("(10)", ""), d) for a, b, c, d in cursor.fetchall()]

    assert found == [
        ("moon", "planet_id", "int unsigned", ""),
        ("planet", "id", "int unsigned", "auto_increment"),
        ("planet", "name", "varchar(30)", ""),
    ]


def test_an_id_beyond_signed_32_bits_is_found() -> None:
    Planet.objects.create(id=4_000_000_000, name="Far")

    assert Planet.objects.get(id=4_000_000_000).name == "Far"


def test_every_seeded_row_is_valid() -> None:
    for row in [*Planet.objects.all(), *Moon.objects.all()]:
        row.full_clean()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mass", -1, "Must be 0 or more, not -1.0."),
        ("mean_temperature", -300, "Must be -273.15 or more, not -300.0."),
        ("axial_tilt", 181, "Must be 180 or less, not 181.0."),
        ("position", 0, "Must be 1 or more, not 0."),
        ("colour", "red", "A colour is # and six hexadecimal digits, as #1f6feb."),
        ("colour", "#123456\n", "A colour is # and six hexadecimal digits, as #1f6feb."),
    ],
)
def test_a_planet_keeps_the_limits_and_is_told_the_rule(
    field: str, value: object, message: str
) -> None:
    assert message in errors_of(Planet(name="X", **{field: value}))[field]


def test_a_backward_rotation_is_allowed() -> None:
    Planet(name="X", rotation_period=-5832.5).full_clean()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("radius", -1, "Must be 0 or more, not -1.0."),
        ("discovery_year", 1600, "Must be 1610, the year of the first discovery, or later."),
        ("discovery_year", 9999, "Must be this year or earlier."),
    ],
)
def test_a_moon_keeps_the_limits_and_is_told_the_rule(
    field: str, value: object, message: str
) -> None:
    assert message in errors_of(Moon(planet_id=3, name="X", **{field: value}))[field]


def test_a_planets_moons_have_names_of_their_own() -> None:
    with pytest.raises(IntegrityError):
        Moon.objects.create(planet_id=3, name="Moon")


def test_planets_and_moons_know_their_addresses() -> None:
    moon = Moon.objects.get(name="Titan")

    assert moon.planet.get_absolute_url() == "/planets/6/"
    assert moon.get_absolute_url() == f"/planets/6/#moon-{moon.pk}"
