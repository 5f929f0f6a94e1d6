"""make_planets, on the run's database."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from planets.data import synthetic
from planets.models import Planet

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_synthetic_planets_are_always_the_same_and_go_without_a_trace(solar_system: None) -> None:
    assert "30 added" in run("make_planets", "30")
    first = list(Planet.objects.filter(description=synthetic.MARK).values_list("name", "mass"))
    assert "0 added; there are 30" in run("make_planets", "30")
    assert "30 removed; there are 0" in run("make_planets", "--remove")
    assert Planet.objects.count() == 8

    run("make_planets", "30")
    assert first == list(
        Planet.objects.filter(description=synthetic.MARK).values_list("name", "mass")
    )


@pytest.mark.parametrize("args", [(), ("0",), ("3", "--remove")])
def test_an_impossible_number_of_planets_is_refused(args: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("make_planets", *args)
