import pytest
from django.http import QueryDict

from planets.managers import MOON_SORTS, PLANET_SORTS
from planets.models import Moon, Planet
from planets.pages.forms import ListFilter, MoonFilter, PlanetFilter

pytestmark = pytest.mark.django_db


def names(rows: object) -> list[str]:
    return [row.name for row in rows]


def test_planets_are_in_order_from_the_sun_and_the_unplaced_come_last() -> None:
    Planet.objects.create(name="Pluto")
    Planet.objects.create(name="Vulcan", position=0)

    assert names(Planet.objects.in_order())[:2] == ["Vulcan", "Mercury"]
    assert names(Planet.objects.in_order())[-1] == "Pluto"


def test_listed_filters_by_kind_and_by_part_of_the_name() -> None:
    assert names(Planet.objects.listed(kind="ice-giant")) == ["Uranus", "Neptune"]
    assert names(Planet.objects.listed(search="UR")) == ["Mercury", "Saturn", "Uranus"]
    assert names(Planet.objects.listed(search="%")) == []


@pytest.mark.parametrize("descending", [False, True])
def test_the_unknown_come_last_either_way(descending: bool) -> None:
    listed = names(Planet.objects.listed(sort="surface_pressure", descending=descending))

    assert listed[4:] == ["Jupiter", "Saturn", "Uranus", "Neptune"]
    assert listed[0] == ("Venus" if descending else "Mercury")


@pytest.mark.parametrize("sort", PLANET_SORTS)
def test_planets_sort_by_each_fact(sort: str) -> None:
    values = [getattr(planet, sort) for planet in Planet.objects.listed(sort=sort)]
    known = [value for value in values if value is not None]

    assert len(values) == 8
    assert known == sorted(known)


@pytest.mark.parametrize("sort", MOON_SORTS)
def test_moons_sort_by_each_column(sort: str) -> None:
    moons = Moon.objects.listed(sort=sort)
    values = [m.planet.position if sort == "planet" else getattr(m, sort) for m in moons]
    known = [value for value in values if value is not None]

    assert known
    assert known == sorted(known)


def test_the_forms_offer_the_sorts_that_there_are() -> None:
    def offered(form: ListFilter) -> set[str]:
        return {widget.data["value"] for widget in form["sort"]}

    assert offered(PlanetFilter(QueryDict())) == set(PLANET_SORTS)
    assert offered(MoonFilter(QueryDict(), [])) == set(MOON_SORTS)


def test_an_unknown_sort_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"Planets sort by one of .* not 'id; DROP'"):
        Planet.objects.listed(sort="id; DROP")
    with pytest.raises(ValueError, match=r"Moons sort by one of .* not 'planet__secret'"):
        Moon.objects.listed(sort="planet__secret")


def test_a_planets_moons_go_from_the_innermost_outwards() -> None:
    assert names(Moon.objects.of(8)) == ["Proteus", "Triton", "Nereid"]


def test_moons_come_with_their_planets_in_one_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert {m.planet.name for m in Moon.objects.listed(planet_id=4)} == {"Mars"}
