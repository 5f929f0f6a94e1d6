import pytest

from planets import records

pytestmark = pytest.mark.django_db


def test_a_planet_is_found_by_its_id() -> None:
    found = records.planet(3)

    assert found is not None
    assert (found.pk, found.name, found.has_rings) == (3, "Earth", False)


def test_an_unknown_id_is_none() -> None:
    assert records.planet(99) is None


def test_many_planets_keep_the_order_asked_for_and_skip_the_unknown() -> None:
    assert list(records.planets([5, 99, 3])) == [5, 3]
