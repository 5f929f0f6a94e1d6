"""The site's reads by name: what is measured, and what is warmed."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from planets.cache.warming import JOBS, count_jobs, warm
from planets.models import Planet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
QUICK = ("--yes", "--rounds", "2", "--seconds", "0.01", "--threads", "1")


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_each_read_in_each_state_asks_what_it_should(solar_system: None) -> None:
    results = json.loads(run("measure_cache", *QUICK, "--format", "json"))
    asked = {(r["read"], r["state"]): (r["queries"], r["commands"]) for r in results}

    for read in ("detail", "compare", "list", "filter", "search", "join"):
        assert asked[read, "no cache"] == (1, 0), read
        assert asked[read, "full"][0] == 0, read


def test_an_empty_table_has_nothing_to_measure() -> None:
    Planet.objects.all().delete()  # a migration may have seeded it

    with pytest.raises(CommandError, match="run seed_planets or make_planets"):
        run("measure_cache", *QUICK)


def test_there_are_as_many_reads_to_warm_as_counted(solar_system: None) -> None:
    assert len(list(JOBS["queries"]())) == count_jobs()["queries"]


def test_what_is_warm_is_filled_once(solar_system: None, redis: Any) -> None:
    *_, first = warm(JOBS["queries"](), workers=2)
    *_, again = warm(JOBS["queries"](), workers=2)

    assert (first.warm, first.missed) == (0, {})
    assert (again.filled, again.warm) == (0, first.filled + first.warm)
