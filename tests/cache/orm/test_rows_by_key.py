"""The SELECT of a record: compiled once, for any thread, and the same rows as the ORM's."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from planets.cache.orm.rows_by_key import RowsByKey
from tests.cache.zoo.models import Animal, Everything
from tests.cache.zoo.rows import FULL, parts

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_those_of_the_orm_in_value_and_type() -> None:
    names = [field.attname for field in Everything._meta.concrete_fields]
    full, empty = Everything.objects.create(**FULL), Everything.objects.create(uuid=None)
    select = RowsByKey(Everything, names)
    for pks in ([full.pk], [empty.pk, full.pk], [full.pk, 10**6], [10**6]):
        truth = Everything.objects.filter(pk__in=pks).values_list(*names)
        assert sorted(map(parts, select.load(DEFAULT_DB_ALIAS, pks))) == sorted(map(parts, truth))


def test_each_number_of_keys_is_compiled_once(compiled: list[str]) -> None:
    pks = [Animal.objects.create(name=name).pk for name in ("Owl", "Emu", "Eagle")]
    select = RowsByKey(Animal, ["name"])
    compiled.clear()
    for _ in range(2):
        assert select.load(DEFAULT_DB_ALIAS, pks[:1]) == [("Owl",)]
        assert sorted(select.load(DEFAULT_DB_ALIAS, pks[1:])) == [("Eagle",), ("Emu",)]
    assert len(compiled) == 2


def test_other_threads_use_connections_of_their_own() -> None:
    owl = Animal.objects.create(name="Owl")
    select = RowsByKey(Animal, ["name"])
    seen: list[Any] = []

    def read() -> None:
        seen.append(select.load(DEFAULT_DB_ALIAS, [owl.pk]))
        connections.close_all()

    for _ in range(2):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert [*seen, select.load(DEFAULT_DB_ALIAS, [owl.pk])] == [[("Owl",)]] * 3
