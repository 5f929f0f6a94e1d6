"""What the near tier keeps of a list is converted once, and nobody can change it for others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.models import Value

from planets.cache.reading.lookup import Found
from planets.cache.reading.rows import SharedRows
from planets.cache.storage.near import near
from tests.cache.zoo.models import Everything, Tag
from tests.cache.zoo.rows import FULL, parts

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_converted_once_for_the_same_converters() -> None:
    rows = SharedRows([(1,), (0,)])
    ours, others = object(), object()
    calls: list[object] = []

    def convert(to: Any) -> Any:
        calls.append(to)
        return ([to(cell) for cell in row] for row in rows)

    for _ in range(2):
        assert rows.converted(ours, lambda: convert(bool)) == [(True,), (False,)]
    assert calls == [bool]
    assert rows.converted(others, lambda: convert(str)) == [("1",), ("0",)]
    assert rows.converted(ours, lambda: convert(bool)) == [(True,), (False,)]
    assert rows == [(1,), (0,)]


def test_what_can_be_changed_is_made_anew_for_each() -> None:
    rows = SharedRows([("[1]",)])
    converters = object()
    first, second = (rows.converted(converters, lambda: [[[1]] for _ in rows]) for _ in range(2))
    first[0][0].append(2)
    assert second == [([1],)]


def test_near_hits_are_those_of_the_database(near_on: None, redis: Any) -> None:
    Everything.objects.create(**FULL)
    fields = [f.name for f in Everything._meta.concrete_fields if f.name != "json"]
    plain = [f.name for f in Everything._meta.concrete_fields if f.name == "json"]
    reads = [
        lambda rows: list(rows),
        lambda rows: list(rows.defer("json")),
        lambda rows: list(rows.values(*fields)),
        lambda rows: list(rows.values_list(*fields)),
        lambda rows: list(rows.values_list(*plain, flat=True)),
        lambda rows: list(rows.values_list("boolean", flat=True)),
        lambda rows: list(rows.annotate(one=Value(1)).values_list("datetime", "one")),
        lambda rows: rows.aggregate(models.Max("datetime")),
    ]
    for read in reads:
        truth = parts(read(Everything.objects.all()))
        for _ in range(4):
            assert parts(read(Everything.objects.cached())) == truth
    assert any(isinstance(slot.value, Found) for slot in near._slots.values())


def test_one_who_changes_what_it_got_changes_nothing_for_others(
    near_on: None,
    redis: Any,
) -> None:
    Everything.objects.create(**FULL)
    read = lambda: Everything.objects.cached().get()  # noqa: E731
    truth = parts(read())
    for _ in range(3):
        mine: Any = read()
        mine.json["changed"] = mine.char = mine.integer = "changed"
        mine._state.db = "changed"
        assert parts(read()) == truth


class Spoken(models.CharField):
    """Its values are another text for each reader, as a translation would be."""

    language = ""

    def from_db_value(self, value: str, *args: Any) -> str:
        return f"{value} in {Spoken.language}"


def test_what_somebodys_own_field_makes_is_made_anew_for_each(
    near_on: None,
    redis: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Tag.objects.create(word="owl")
    word = Tag._meta.get_field("word")
    monkeypatch.setattr(word, "__class__", Spoken)
    for language in ("English", "German") * 3:
        monkeypatch.setattr(Spoken, "language", language)
        assert [tag.word for tag in Tag.objects.cached()] == [f"owl in {language}"]
