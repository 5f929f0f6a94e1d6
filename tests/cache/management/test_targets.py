from __future__ import annotations

import pytest
from django.db import connection

from planets.cache.management.targets import parse
from tests.cache.zoo.models import Star

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


def test_a_record_is_the_row_of_its_id() -> None:
    found = parse("star:3", "default")

    assert isinstance(found, Star)
    assert found.pk == 3


@pytest.mark.parametrize("table", ["star", "Comet", "django_session"])
def test_a_table_of_a_model_is_its_name_in_lower_case(table: str) -> None:
    assert parse(table, "default") == table.lower()


def test_a_table_that_only_the_database_knows_is_known() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE galaxies (id INT)")
    try:
        assert parse("galaxies", "default") == "galaxies"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE galaxies")


@pytest.mark.parametrize("text", ["", "plant", "comet:3", "star:", "star:x", "star:-3", ":3"])
def test_what_names_nothing_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        parse(text, "default")
