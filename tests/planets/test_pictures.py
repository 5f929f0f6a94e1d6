from itertools import pairwise

import pytest

from planets.models import Planet
from planets.pages.pictures import SUN_RADIUS, globe, scene

JUPITER = Planet(name="Jupiter", kind="gas-giant", radius=71492, has_rings=True)
EARTH = Planet(name="Earth", kind="terrestrial", radius=6378, axial_tilt=23.4)
SATURN = Planet(name="Saturn", kind="gas-giant", radius=60268, ring_colour="#cdb98c")


def test_a_planet_looks_the_same_each_time_and_unlike_others() -> None:
    mars = Planet(name="Mars", kind="terrestrial")

    again = Planet(name="Earth", kind="terrestrial", radius=6378, axial_tilt=23.4)
    assert globe(EARTH) is globe(again)  # drawn once
    assert globe(EARTH).svg.count("<path") == 10
    assert globe(EARTH).lands != globe(mars).lands


def test_each_kind_has_its_marks() -> None:
    assert (len(globe(EARTH).bands), len(globe(EARTH).lands)) == (0, 10)
    assert (len(globe(JUPITER).bands), len(globe(JUPITER).lands)) == (8, 0)
    unknown = globe(Planet(name="X"))
    assert (unknown.bands, unknown.lands, unknown.rings, unknown.tilt) == ((), (), (), 0)


def test_rings_are_broad_with_a_colour_and_faint_without() -> None:
    assert len(globe(SATURN).rings) == 3
    assert len(globe(JUPITER).rings) == 1
    assert globe(EARTH).rings == ()


def test_sizes_are_true_to_scale() -> None:
    drawn = scene([EARTH, JUPITER], sun=True)
    earth, jupiter = drawn.placed

    assert jupiter.scale / earth.scale == pytest.approx(71492 / 6378)
    assert drawn.sun_radius / (100 * jupiter.scale) == pytest.approx(SUN_RADIUS / 71492)


def test_planets_stand_in_a_row_without_touching() -> None:
    placed = scene([EARTH, SATURN, JUPITER], sun=True).placed

    for before, after in pairwise(placed):
        assert before.left + before.width <= after.left
        assert before.x + before.globe.reach * before.scale < after.x
    assert all(p.left < p.x - p.globe.reach * p.scale for p in placed)


def test_planets_of_unknown_size_are_not_in_the_row() -> None:
    assert scene([Planet(name="X")], sun=True).placed == []
    assert scene([], sun=False).placed == []
