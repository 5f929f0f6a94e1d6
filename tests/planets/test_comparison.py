from hypothesis import given
from hypothesis import strategies as st

from planets.models import Planet
from planets.pages.comparison import LARGEST_ID, MOST, Row, compare, parse


def row(field: str, *planets: Planet) -> Row:
    return next(row for row in compare(planets) if row.fact.field == field)


def test_ids_come_as_a_list_or_as_a_forms_boxes_each_once() -> None:
    assert parse(["3,5"]).ids == [3, 5]
    assert parse(["3", "5", "3"]).ids == [3, 5]
    assert parse([" 5 , ,3"]).ids == [5, 3]
    assert str(parse(["3", "5"])) == "3,5"


def test_what_is_no_number_of_a_planet_is_named() -> None:
    choice = parse(["3,abc,-1,0,1.5", str(LARGEST_ID + 1)])

    assert choice.ids == [3]
    assert choice.problems == [
        f"“{wrong}” is not the number of a planet."
        for wrong in ("abc", "-1", "0", "1.5", "4294967296")
    ]


def test_a_number_too_long_for_python_is_no_number_of_a_planet() -> None:
    problem, rest = parse([f"{'9' * 900},{'9' * 5000}"]).problems
    assert problem == f"“{'9' * 20}” is not the number of a planet."
    assert rest == "At most 12 planets fit side by side; the rest are left out."


def test_more_planets_than_fit_are_left_out_with_a_word() -> None:
    choice = parse([",".join(map(str, range(1, MOST + 3)))])

    assert choice.ids == [*range(1, MOST + 1)]
    assert choice.problems == ["At most 12 planets fit side by side; the rest are left out."]


@given(st.lists(st.text()))
def test_any_text_gives_ids_that_a_database_can_look_up(values: list[str]) -> None:
    choice = parse(values)

    assert all(1 <= planet_id <= LARGEST_ID for planet_id in choice.ids)
    assert len(choice.ids) <= MOST


def test_bars_are_as_long_as_the_values_are_great() -> None:
    bars = row("mass", Planet(name="A", mass=50), Planet(name="B", mass=200)).bars

    assert [(bar.start, bar.length) for bar in bars] == [(0, 25), (0, 100)]


def test_bars_of_negative_values_go_left_from_zero() -> None:
    temperatures = row(
        "mean_temperature",
        Planet(name="A", mean_temperature=-100),
        Planet(name="B", mean_temperature=300),
    )

    assert temperatures.zero == 25
    assert [(bar.start, bar.length) for bar in temperatures.bars] == [(0, 25), (25, 75)]


def test_the_unknown_has_no_bar() -> None:
    unknown, zero = row(
        "surface_pressure",
        Planet(name="A", surface_pressure=None),
        Planet(name="B", surface_pressure=0),
    ).bars

    assert (unknown.text, unknown.known) == ("unknown", False)
    assert (zero.known, zero.length) == (True, 0)


def test_traits_are_compared_in_words() -> None:
    bars = row("has_rings", Planet(has_rings=True), Planet(has_rings=None)).bars

    assert [bar.text for bar in bars] == ["yes", "unknown"]
