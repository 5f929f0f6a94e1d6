from __future__ import annotations

import pytest
from django.db import connection

from planets.cache.management.targets import parse
from planets.models import Planet

pytestmark = pytest.mark.django_db


def test_a_record_is_the_row_of_its_id() -> None:
    found = parse("planet:3", "default")

    assert isinstance(found, Planet)
    assert found.pk == 3


@pytest.mark.parametrize("table", ["planet", "Moon", "django_session"])
def test_a_table_of_a_model_is_its_name_in_lower_case(table: str) -> None:
    assert parse(table, "default") == table.lower()


@pytest.mark.django_db(transaction=True)
def test_a_table_that_only_the_database_knows_is_known() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE comets (id INT)")
    try:
        assert parse("comets", "default") == "comets"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE comets")


@pytest.mark.parametrize("text", ["", "plant", "moon:3", "planet:", "planet:x", "planet:-3", ":3"])
def test_what_names_nothing_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        parse(text, "default")
