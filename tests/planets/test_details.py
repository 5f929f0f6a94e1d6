"""What a visitor, an editor and a machine find on the pages beside the facts themselves."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from planets.models import Planet

pytestmark = pytest.mark.django_db

NO_MOONS = {f"moons-{kind}_FORMS": "0" for kind in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
LOOKS = {"colour": "#112233", "accent": "#445566"}


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# --- the Earth


@pytest.mark.parametrize("name", ["Earth", "EARTH", "Terra"])
def test_of_the_earth_no_page_says_that_it_is_once_the_earth(client: Client, name: str) -> None:
    Planet.objects.filter(pk=3).update(name=name)

    for address in ("/planets/3/", "/compare/?planets=3", "/compare/?planets=3&scale=log"):
        assert "× Earth" not in page(client, address)
    assert "11.2 × Earth" in page(client, "/planets/5/")


def test_another_third_planet_is_not_taken_for_the_earth(client: Client) -> None:
    other = Planet.objects.create(name="Kepler-9 d", star="Kepler-9", position=3, radius=10_460)

    assert "1.64 × Earth" in page(client, other.get_absolute_url())


# --- where facts stand


def test_each_fact_names_its_source_by_a_number(client: Client) -> None:
    Planet.objects.filter(pk=3).update(mass=6.0)  # an editor's
    text = page(client, "/planets/3/")

    assert '<li id="source-1"><a href="https://nssdc.gsfc.nasa.gov/planetary/factsheet/">' in text
    cited = re.findall(r'<th scope="row">([\w ]+)<a class="cite" href="#source-1"', text)
    assert {"Radius", "Rings", "Magnetic field"} <= {*cited}
    assert "Mass" not in cited


def test_a_renamed_planet_keeps_the_sources_of_its_facts(client: Client) -> None:
    Planet.objects.filter(pk=3).update(name="Terra")

    assert 'href="#source-1"' in page(client, "/planets/3/")


def test_two_sources_have_two_numbers(client: Client) -> None:
    Planet.objects.filter(pk=3).update(
        source=Planet.Source.NASA, sourced="mass,equilibrium_temperature", mass=5.9,
        equilibrium_temperature=-18,
    )  # fmt: skip
    text = page(client, "/planets/3/")

    assert '<li id="source-2">' in text
    numbers = set(re.findall(r'href="#source-(\d)" aria-label="([^"]+)"', text))
    assert {number for number, _ in numbers} == {"1", "2"}
    assert "NASA Exoplanet Archive" in {name for _, name in numbers}


def test_a_planet_of_which_nothing_stands_anywhere_has_no_list_of_sources(client: Client) -> None:
    alone = Planet.objects.create(name="Nibiru", radius=5)

    assert 'class="sources"' not in page(client, alone.get_absolute_url())


# --- giants, and other stars


def test_giants_have_no_surface(client: Client) -> None:
    for address in ("/planets/5/", "/compare/?planets=3,5,7"):
        assert "no surface" in page(client, address)
    assert "no surface" not in page(client, "/planets/3/").replace("giants have no surface", "")


def test_a_mass_is_told_with_its_power_of_ten(client: Client) -> None:
    assert "1.898 × 10²⁷ kg" in page(client, "/planets/5/").replace("\xa0", " ")


def test_of_another_star_nothing_lies_sunwards(client: Client) -> None:
    for number in (1, 2):
        Planet.objects.create(name=f"Kepler-9 {number}", star="Kepler-9", distance=number)
    outer = Planet.objects.get(name="Kepler-9 2")

    text = page(client, outer.get_absolute_url())

    assert "Inwards" in text
    assert "Sunwards" not in text


# --- what machines read


@pytest.mark.parametrize("address", ["/", "/planets/3/", "/moons/", "/compare/?planets=3,5"])
def test_a_page_that_is_shared_has_a_title_a_summary_and_a_picture(
    client: Client, address: str
) -> None:
    told = dict(
        re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)">', page(client, address))
    )

    assert told["url"] == f"http://testserver{address}"
    assert told["title"]
    assert told["description"]
    assert told["image"].startswith("http://testserver/static/planets/share")
    assert (told["image:width"], told["image:height"]) == ("1200", "630")


def test_the_picture_and_the_icon_are_there_and_small(client: Client) -> None:
    for name, begin, most in (
        ("share.jpg", b"\xff\xd8\xff", 60_000),
        ("favicon.ico", b"\0\0\1\0", 5_000),
    ):
        path = finders.find(f"planets/{name}")
        assert isinstance(path, str)
        with open(path, "rb") as file:
            data = file.read()
        assert data.startswith(begin)
        assert len(data) < most
    assert client.get("/favicon.ico")["Location"].endswith(".ico")


# --- visitors and editors


def test_without_moons_a_visitor_is_told_of_no_command(client: Client) -> None:
    from planets.models import Moon

    Moon.objects.all().delete()
    text = page(client, "/moons/")

    assert "No moons are here yet" in text
    assert "manage.py" not in text


@pytest.mark.parametrize("star", ["", "Sun"])
def test_a_place_from_the_sun_is_taken_whether_the_star_is_named_or_not(
    admin_client: Client, star: str
) -> None:
    Planet.objects.filter(pk=3).update(star="" if star else "Sun")
    new = {"name": "X", **LOOKS, "star": star, "position": "3", **NO_MOONS}

    text = admin_client.post("/admin/planets/planet/add/", new).content.decode()

    assert "Place 3 is taken by Earth." in text


@pytest.mark.parametrize(
    ("field", "value"),
    [("mass", "1e9"), ("radius", "-1"), ("axial_tilt", "181"), ("position", "0"),
     ("discovery_year", "3000"), ("mean_temperature", "-300"), ("colour", "red")],
)  # fmt: skip
def test_what_no_planet_has_is_refused(admin_client: Client, field: str, value: str) -> None:
    new = {"name": "X", **LOOKS, "star": "", **NO_MOONS, field: value}

    response = admin_client.post("/admin/planets/planet/add/", new)

    assert field in response.context["adminform"].form.errors
    assert not Planet.objects.filter(name="X").exists()


def test_what_does_not_fit_a_narrow_window_says_that_it_slides(client: Client) -> None:
    for address in ("/", "/planets/3/", "/compare/?planets=3,5"):
        assert "Slide the picture sideways to see all of it." in page(client, address)
