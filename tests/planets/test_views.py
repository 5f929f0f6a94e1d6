from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from planets.models import Moon, Planet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_cached_pages(settings: Any) -> None:
    """What comes from the cache has no context to look into; and these are about what is made."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "PageCache" not in name]


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def cards(client: Client, address: str) -> list[str]:
    return [card["planet"].name for card in client.get(address).context["cards"]]


# How often each page asks the database, and for what.
@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 2),  # their count, and all in order
        ("/?kind=gas-giant&sort=mass", 3),
        ("/planets/3/", 4),  # is it there, the record, the others of its star, its moons
        ("/planets/99/", 3),  # is it there; how many there are, the first of them
        ("/compare/", 2),  # how many there are, the first of them
        ("/compare/?planets=3,5,8", 4),  # are they there, the records; as above
        ("/moons/", 3),  # planets that have some, their count, the moons with their planets
        ("/no/such/page/", 0),
    ],
)
def test_a_page_asks_the_database_as_often_however_many_rows_there_are(
    client: Client, address: str, queries: int, django_assert_num_queries, settings
) -> None:
    settings.CACHE_ASIDE = {"ENABLED": False}
    with django_assert_num_queries(queries):
        client.get(address)
    for number in range(5):
        more = Planet.objects.create(name=f"P{number}", kind="gas-giant", radius=9, position=9)
        Moon.objects.create(planet=more, name="M")
    with django_assert_num_queries(queries):
        client.get(address)


@pytest.mark.parametrize(
    "address", ["/", "/planets/6/", "/planets/3/", "/compare/?planets=3,5", "/moons/"]
)
def test_every_drawing_is_well_formed(client: Client, address: str) -> None:
    text = page(client, address)
    drawings = [part.split("</svg>")[0] for part in text.split("<svg")[1:]]

    assert drawings
    for drawing in drawings:
        ElementTree.fromstring(f"<svg{drawing}</svg>")


class TestHome:
    def test_shows_all_planets_and_their_picture(self, client: Client) -> None:
        text = page(client, "/")

        assert "All 8 planets" in text
        assert text.count('<li class="card">') == 8
        assert '<text x="' in text

    def test_filters_searches_and_sorts(self, client: Client) -> None:
        assert cards(client, "/?kind=ice-giant") == ["Uranus", "Neptune"]
        assert cards(client, "/?q=ar") == ["Earth", "Mars"]
        assert cards(client, "/?sort=radius&order=desc")[:2] == ["Jupiter", "Saturn"]
        assert cards(client, "/?sort=name")[:2] == ["Earth", "Jupiter"]

    def test_the_fact_sorted_by_is_on_every_card(self, client: Client) -> None:
        text = page(client, "/?sort=escape_velocity")

        assert "All 8 planets, by escape velocity" in text
        assert text.count('<div class="by"><dt>Escape velocity</dt>') == 8

    def test_planets_that_do_not_match_are_dimmed_in_the_picture(self, client: Client) -> None:
        assert page(client, "/?kind=gas-giant").count('class="dim"') == 6
        assert 'class="dim"' not in page(client, "/")

    def test_a_wrong_value_is_named_and_ignored(self, client: Client) -> None:
        text = page(client, "/?kind=dwarf&sort=mood&order=sideways&q=ar")

        assert "dwarf is not one of the available choices. It was ignored." in text
        assert "mood is not one of the available choices. It was ignored." in text
        assert cards(client, "/?kind=dwarf&sort=mood&order=sideways&q=ar") == ["Earth", "Mars"]

    def test_no_match_says_how_to_go_on(self, client: Client) -> None:
        assert "No planet matches" in page(client, "/?q=zzz")

    def test_an_empty_table_says_how_to_load_data(self, client: Client) -> None:
        Planet.objects.all().delete()

        assert "python manage.py seed_planets" in page(client, "/")

    def test_a_planet_with_a_name_alone_is_shown(self, client: Client) -> None:
        pluto = Planet.objects.create(name="Pluto")

        assert cards(client, "/")[-1] == "Pluto"
        assert "unknown" in page(client, pluto.get_absolute_url())

    def test_what_an_editor_types_is_escaped(self, client: Client) -> None:
        name, moon = "<script>alert(1)</script>", "<b>M</b>"
        planet = Planet.objects.create(
            name=name, radius=5, description=name, colour='"><x', accent="'><x", ring_colour="<x>"
        )
        Moon.objects.create(planet=planet, name=moon, discovery_year=1700, discoverer=moon)

        for address in (
            "/",
            planet.get_absolute_url(),
            f"/compare/?planets={planet.pk}",
            "/moons/",
        ):
            text = page(client, address)
            assert "<script" not in text
            assert moon not in text
            assert "<x" not in text


class TestPlanet:
    def test_shows_every_fact_with_unit_and_ratio(self, client: Client) -> None:
        text = page(client, "/planets/5/").replace("\N{NO-BREAK SPACE}", " ")

        assert "<h1>Jupiter</h1>" in text
        assert "1.898 × 10²⁷ kg<small>318 × Earth</small>" in text
        assert "−110 °C</td>" in text
        assert "Surface pressure" in text
        assert "no surface</td>" in text

    def test_shows_its_moons(self, client: Client) -> None:
        text = page(client, "/planets/5/")

        assert text.index("Amalthea") < text.index("Io<") < text.index("Callisto")
        assert "Found in 1610 by Galileo Galilei" in text

    @pytest.mark.parametrize(
        ("number", "before", "after"),
        [(1, None, "Venus"), (5, "Mars", "Saturn"), (8, "Uranus", None)],
    )
    def test_leads_to_its_neighbours(
        self, client: Client, number: int, before: str | None, after: str | None
    ) -> None:
        context = client.get(f"/planets/{number}/").context

        assert getattr(context["previous"], "name", None) == before
        assert getattr(context["next"], "name", None) == after

    def test_an_unknown_id_is_a_404_that_helps(self, client: Client) -> None:
        text = page(client, "/planets/99/", 404)

        assert "There is no planet number 99" in text
        assert '<a href="/planets/3/">Earth</a>' in text

    @pytest.mark.parametrize("number", ["0", "4294967295"])
    def test_any_id_that_the_column_can_hold_is_looked_up(
        self, client: Client, number: str
    ) -> None:
        page(client, f"/planets/{number}/", 404)

    @pytest.mark.parametrize("number", ["4294967296", "9" * 5000, "-1", "x", "1.5"])
    def test_what_is_no_id_is_an_unknown_page(self, client: Client, number: str) -> None:
        assert "There is no such page" in page(client, f"/planets/{number}/", 404)


class TestCompare:
    def test_sets_planets_side_by_side_in_the_order_asked_for(self, client: Client) -> None:
        text = page(client, "/compare/?planets=5,3").replace("\N{NO-BREAK SPACE}", " ")

        assert [p.name for p in client.get("/compare/?planets=5,3").context["planets"]] == [
            "Jupiter",
            "Earth",
        ]
        assert '<rect class="fill" x="0" width="100" height="6" fill="#d8b48c"/>' in text
        assert "1.898 × 10²⁷ kg" in text

    def test_a_forms_boxes_lead_to_the_short_address(self, client: Client) -> None:
        response = client.get("/compare/?planets=3&planets=5")

        assert (response.status_code, response["Location"]) == (302, "/compare/?planets=3,5")

    def test_problems_are_named_and_the_rest_is_shown(self, client: Client) -> None:
        text = page(client, "/compare/?planets=3,abc,99")

        assert "“abc” is not the number of a planet." in text
        assert "There is no planet number 99." in text
        assert '<th scope="row">Earth</th>' in text

    def test_nothing_chosen_says_what_to_do(self, client: Client) -> None:
        assert "Tick two planets or more" in page(client, "/compare/")
        Planet.objects.all().delete()
        assert "python manage.py seed_planets" in page(client, "/compare/")


class TestMoons:
    def test_shows_all_moons_with_their_planets(self, client: Client) -> None:
        text = page(client, "/moons/")

        assert "25 moons" in text
        assert '<a href="/planets/8/">' in text

    def test_filters_and_sorts(self, client: Client) -> None:
        moons = client.get("/moons/?planet=6&sort=radius&order=desc").context["moons"]

        assert [moon.name for moon, _ in moons][:2] == ["Titan", "Rhea"]
        assert moons[0][1] == 100

    def test_a_wrong_value_is_named_and_ignored(self, client: Client) -> None:
        text = page(client, "/moons/?planet=99&sort=mood")

        assert "99 is not one of the available choices. It was ignored." in text
        assert "25 moons" in text

    def test_no_match_says_how_to_go_on(self, client: Client) -> None:
        assert "No moon matches" in page(client, "/moons/?q=zzz")


@pytest.mark.parametrize("address", ["/", "/planets/3/", "/compare/", "/moons/"])
def test_pages_are_only_read(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


def test_an_unknown_page_is_a_404_that_helps(client: Client) -> None:
    text = page(client, "/pluto/", 404)

    assert "There is no such page" in text
    assert '<form class="filter" action="/"' in text


def test_a_fault_of_the_site_is_a_500_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planets.records.planet", lambda planet_id: 1 / 0)
    client.raise_request_exception = False

    assert "Something broke on our side" in page(client, "/planets/3/", 500)


@settings(max_examples=60)
@given(
    path=st.sampled_from(["/", "/compare/", "/moons/"]),
    query=st.dictionaries(
        st.sampled_from(["q", "kind", "sort", "order", "planet", "planets", "page"]),
        st.lists(
            st.one_of(
                st.text(),
                st.integers().map(str),
                st.sampled_from(["mass", "desc", "ice-giant", "3,5", "\0", "%", "\\", "🪐", "'"]),
            ),
            max_size=3,
        ),
    ),
)
def test_no_query_string_breaks_a_page(path: str, query: dict[str, list[str]]) -> None:
    response = Client().get(path, query)

    assert response.status_code in (200, 302)


@settings(max_examples=30)
@given(st.binary(max_size=40))
def test_no_bytes_in_a_query_string_break_a_page(raw: bytes) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in raw)

    for path in ("/", "/compare/", "/moons/"):
        response = Client().get(f"{path}?q={quoted}&planets={quoted}&sort={quoted}")
        assert response.status_code in (200, 302)
