"""The site with more planets than a page holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from planets.listing import PAGE, Counts, cut
from planets.models import Planet
from planets.pages.pictures import in_lines, scene

pytestmark = pytest.mark.django_db
LARGEST = 100_000  # bytes of a page
LONG = "WISEP J121756.91+162640.2 A b"


@pytest.fixture(autouse=True)
def no_cached_pages(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "PageCache" not in name]


@pytest.fixture
def many() -> None:
    call_command("make_planets", "100", verbosity=0)


def names(client: Client, address: str) -> list[str]:
    return [card["planet"].name for card in client.get(address).context["cards"]]


def test_the_known_and_the_unknown_are_pages_of_their_own() -> None:
    counts = Counts(total=PAGE * 2 + 9, known=8)
    assert [cut(counts, number)[1:] for number in (1, 2, 3, 4, 99)] == [
        (4, True, 0),
        (4, False, 0),
        (4, False, PAGE),
        (4, False, 2 * PAGE),
        (4, False, 2 * PAGE),
    ]


def test_home_begins_with_the_planets_of_the_sun(
    many: None, client: Client, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CACHE_ASIDE = {"ENABLED": False}
    with django_assert_num_queries(2):
        text = client.get("/").content.decode()
    assert "All 108 planets · page 1 of 6" in text
    assert text.count('<li class="card">') == 8
    assert 'href="/?page=2"' in text


@pytest.mark.parametrize("address", ["/", "/?sort=mass&order=desc", "/?kind=gas-giant&sort=name"])
def test_every_planet_is_on_one_page(many: None, client: Client, address: str) -> None:
    joint = "&" if "?" in address else "?"
    count = client.get(address).context["leaf"].pages
    pages = [names(client, f"{address}{joint}page={n}") for n in range(1, count + 1)]
    found = [name for page in pages for name in page]

    wanted = Planet.objects.filter(kind="gas-giant") if "kind" in address else Planet.objects.all()
    assert sorted(found) == sorted(planet.name for planet in wanted)
    assert all(len(page) <= PAGE for page in pages)


@pytest.mark.parametrize(
    "address", ["/?page=2", "/?kind=terrestrial", "/compare/", "/planets/99999/", "/moons/"]
)
def test_a_page_stays_small(many: None, client: Client, address: str) -> None:
    body = client.get(address).content
    assert len(body) < LARGEST
    assert body.count(b"<") - body.count(b"</") < 1_500


def test_facets_narrow_a_list(client: Client) -> None:
    Planet.objects.create(name="A b", star="A", discovery_year=2001, discovery_method="transit")
    Planet.objects.create(name="Ceres", kind="dwarf-planet")

    for query in ("star=A", "year=2001", "method=transit"):
        assert names(client, f"/?{query}") == ["A b"]
    assert names(client, "/?kind=dwarf-planet") == ["Ceres"]
    assert names(client, "/?year=1846") == ["Neptune"]


def test_names_in_the_picture_do_not_touch() -> None:
    assert in_lines(LONG) == ("WISEP", "J121756.91+162640…")
    planets = [Planet(pk=n, name=f"{LONG} {n}", radius=10**n) for n in range(13)]
    drawn = scene(planets, sun=False)
    assert drawn.enlarged
    for placed in drawn.placed:
        assert 13 * max(map(len, placed.name)) < placed.width


def test_planets_to_compare_are_found_by_their_names(many: None, client: Client) -> None:
    text = client.get("/compare/?planets=3&q=Synthetic+7").content.decode()
    assert "Synthetic 7</label>" in text
    assert "Earth</label>" in text
    assert (
        client.get("/compare/?planets=3&planets=5&q=a&sort=mass&scale=log").headers["Location"]
        == "/compare/?planets=3,5&q=a&sort=mass&scale=log"
    )


def test_a_comparison_is_sorted_and_logarithmic(client: Client) -> None:
    context = client.get("/compare/?planets=3,5,1&sort=mass&order=desc&scale=log").context
    assert [planet.name for planet in context["planets"]] == ["Jupiter", "Earth", "Mercury"]
    assert context["rows"][0].logarithmic
    assert context["rows"][0].bars[-1].length > 0


def test_the_pages_of_planets_say_where_facts_stand_and_lead_to_their_editor(
    client: Client,
) -> None:
    text = client.get("/planets/3/").content.decode()
    assert "1 × Earth" not in text
    assert "/admin/planets/planet/3/change/" in text
    assert '<link rel="canonical" href="http://testserver/planets/3/">' in text
    assert '<meta property="og:title" content="Earth">' in text
    assert "NASA&#x27;s Planetary Fact Sheet" in text


def test_the_planets_of_a_star_stand_by_their_distance(client: Client) -> None:
    drawn = client.get("/planets/3/").context["orbits"]
    assert [orbit.planet.name for orbit in drawn.orbits][:3] == ["Mercury", "Venus", "Earth"]
    places = [orbit.x for orbit in drawn.orbits]
    assert places == sorted(places)
    assert [orbit.planet.name for orbit in drawn.orbits if orbit.here] == ["Earth"]
    assert "1 au" in [name for _, name in drawn.marks]
    lone = Planet.objects.create(name="No distance")
    assert client.get(lone.get_absolute_url()).context["orbits"] is None


def test_a_place_in_the_order_is_one_planets(admin_client: Client) -> None:
    moons = {f"moons-{k}_FORMS": "0" for k in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    new = {"name": "X", "colour": "#112233", "accent": "#445566", "star": "Sun", "position": "3"}
    text = admin_client.post("/admin/planets/planet/add/", new | moons).content.decode()
    assert "Place 3 is taken by Earth." in text


def test_machines_find_their_way(client: Client) -> None:
    assert b"http://testserver/sitemap-planets.xml" in client.get("/sitemap.xml").content
    assert b"http://testserver/planets/8/" in client.get("/sitemap-planets.xml").content
    assert b"Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content
    assert client.get("/favicon.ico").status_code == 302
