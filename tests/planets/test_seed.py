from io import StringIO

import pytest
from django.core.management import call_command

from planets.data.seed import Seeded, seed
from planets.data.solar_system import MOONS
from planets.models import Moon, Planet

pytestmark = pytest.mark.django_db


def test_seeding_again_changes_nothing() -> None:
    before = list(Planet.objects.values()), list(Moon.objects.values())

    assert seed(Planet, Moon) == Seeded()
    assert (list(Planet.objects.values()), list(Moon.objects.values())) == before


def test_an_empty_table_gets_everything() -> None:
    Planet.objects.all().delete()

    assert seed(Planet, Moon) == Seeded(planets_added=8, moons_added=len(MOONS))
    assert list(Planet.objects.order_by("id").values_list("id", flat=True)) == [*range(1, 9)]


def test_what_an_editor_wrote_stays_and_what_is_missing_comes_back() -> None:
    Planet.objects.filter(name="Mars").update(name="mars", mass=0.7, gravity=None, kind="")
    Moon.objects.filter(name="Deimos").delete()
    Planet.objects.filter(name="Venus").delete()

    assert seed(Planet, Moon) == Seeded(planets_completed=1, moons_added=1)
    mars = Planet.objects.get(name="mars")
    assert (mars.mass, mars.gravity, mars.kind) == (0.7, 3.7, "terrestrial")
    assert not Planet.objects.filter(name="Venus").exists()


def test_an_unknown_planet_is_left_alone() -> None:
    Planet.objects.all().delete()
    pluto = Planet.objects.create(name="Pluto")

    assert seed(Planet, Moon) == Seeded()
    assert list(Planet.objects.values("id", "name", "mass")) == [
        {"id": pluto.pk, "name": "Pluto", "mass": None}
    ]


def test_the_command_tells_what_it_did() -> None:
    Planet.objects.all().delete()
    out = StringIO()
    call_command("seed_planets", stdout=out)

    assert out.getvalue() == f"8 planets added, 0 completed, {len(MOONS)} moons added.\n"
