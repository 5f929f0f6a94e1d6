"""import_planets, on small files made in the formats of the two catalogues."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from planets.models import Planet

pytestmark = pytest.mark.django_db

NASA = """\
# This file was produced by the NASA Exoplanet Archive
pl_name,hostname,discoverymethod,disc_year,pl_orbper,pl_orbsmax,pl_rade,pl_bmasse,pl_eqt,sy_dist,x
Test-1 b,Test-1,Transit,2015,10.5,0.1,1,2,300.15,100,ignored
Test-1 c,Test-1,Radial Velocity,2016,20,,,300,,100,
Wrong b,Wrong,Transit,2015,often,,,,,,
Wrong c,Wrong,Transit,2015,,,-1,,,,
"An endlessly long name of a planet b",X,Transit,2015,,,1,,,,
Test-1 b,Test-1,Transit,2015,10.5,0.1,1,2,300.15,100,
short
"""
OPEN = """\
name,binaryflag,mass,radius,period,semimajoraxis,temperature,discoverymethod,discoveryyear,system_distance,list
Other-2 b,0,1,1,365,1,273.15,RV,1999,10,Confirmed planets
Gone b,0,1,,,,,RV,1999,,Retracted planet candidate
Earth,0,0.003,0.09,365,1,288,,,,Solar System
"""


def run(tmp_path: Path, text: str, *args: str) -> str:
    file = tmp_path / "file.csv"
    file.write_text(text)
    out = StringIO()
    call_command("import_planets", str(file), *args, stdout=out)
    return out.getvalue()


def test_units_are_converted_and_bad_rows_told(tmp_path: Path) -> None:
    said = run(tmp_path, NASA)

    assert "NASA Exoplanet Archive: 2 added, 0 changed, 0 unchanged, 5 bad." in said
    assert "line 5, 'Wrong b': 'often' is no number." in said
    assert "line 6, 'Wrong c': radius: Must be 0 or more, not -6378.1." in said
    assert "the file holds this name twice" in said
    assert "it has 1 cells, the header 11" in said
    planet = Planet.objects.get(name="Test-1 b")
    assert (planet.mass, planet.radius, planet.orbital_period) == (11.9444, 6378.1, 10.5)
    assert (planet.distance, planet.equilibrium_temperature) == (14.95979, 27)
    assert (planet.star, planet.star_distance, planet.discovery_year) == ("Test-1", 100, 2015)
    assert (planet.kind, planet.discovery_method) == ("terrestrial", "transit")
    assert Planet.objects.get(name="Test-1 c").kind == "gas-giant"
    assert Planet.objects.count() == 10


def test_again_it_changes_nothing_and_a_newer_file_changes_what_is_new(tmp_path: Path) -> None:
    run(tmp_path, NASA)
    assert "0 added, 0 changed, 2 unchanged" in run(tmp_path, NASA)
    assert "0 added, 1 changed, 1 unchanged" in run(tmp_path, NASA.replace("2016,20,", "2016,21,"))
    assert Planet.objects.get(name="Test-1 c").orbital_period == 21


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert "2 added" in run(tmp_path, NASA, "--dry-run")
    assert Planet.objects.count() == 8


def test_the_other_catalogue_is_told_by_its_header_and_leaves_what_is_there(tmp_path: Path) -> None:
    before = Planet.objects.values("mass", "radius", "kind").get(name="Earth")
    said = run(tmp_path, OPEN)

    assert "Open Exoplanet Catalogue: 1 added, 1 changed, 0 unchanged, 1 bad." in said
    assert "its discovery was retracted" in said
    assert Planet.objects.values("mass", "radius", "kind").get(name="Earth") == before
    other = Planet.objects.get(name="Other-2 b")
    assert (other.star, other.mass, other.radius) == ("Other-2", 1898.13, 71492)
    assert (other.discovery_method, other.equilibrium_temperature) == ("radial-velocity", 0)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00"])
def test_another_file_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match=r"must have those of|is no CSV"):
        run(tmp_path, text)
