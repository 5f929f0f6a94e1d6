import pytest

from planets.facts import BY_FIELD, FACTS, GROUPS, TRAITS, number, ratio
from planets.fields import FactField
from planets.models import Planet

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def test_every_fact_is_a_column_and_every_measured_column_a_fact() -> None:
    columns = {f.name for f in Planet._meta.get_fields() if isinstance(f, FactField)}

    assert columns == {fact.field for fact in FACTS}
    assert all(Planet._meta.get_field(trait.field) for trait in TRAITS)
    assert {fact.group for fact in FACTS} == set(GROUPS)


def test_a_fact_gives_its_column_the_label_and_the_unit() -> None:
    field = Planet._meta.get_field("orbital_velocity")

    assert isinstance(field, FactField)
    assert field.verbose_name == "orbital velocity"
    assert field.help_text == "In km/s. The mean speed around its star."


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("radius", 71492.0, f"71,492{NBSP}km"),
        ("radius", 6378.137, f"6,378.137{NBSP}km"),
        ("mass", 0.33, f"3.3{NBSP}×{NBSP}10²³{NBSP}kg"),
        ("mean_temperature", -65, f"{MINUS}65{NBSP}°C"),
        ("axial_tilt", 177.4, "177.4°"),
        ("surface_pressure", 0.0, f"0{NBSP}bar"),
        ("surface_pressure", None, "unknown"),
    ],
)
def test_a_value_is_told_with_its_unit(field: str, value: float | None, text: str) -> None:
    assert BY_FIELD[field].text(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1e9, "1,000,000,000"), (1e20, "1e+20"), (-5832.5, f"{MINUS}5,832.5")]
)
def test_numbers_of_any_size_stay_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.05528, "0.0553"), (9.4494, "9.45"), (317.9, "318")])
def test_ratios_have_three_digits(value: float, text: str) -> None:
    assert ratio(value) == text


def test_the_earth_is_once_the_earth_and_the_unknown_is_nothing() -> None:
    assert BY_FIELD["mass"].times_earth(5.97) == "1"
    assert BY_FIELD["mass"].times_earth(None) == ""
    assert BY_FIELD["mean_temperature"].times_earth(15) == ""
