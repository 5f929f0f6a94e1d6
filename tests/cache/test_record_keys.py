"""A row has one record, whatever its key is given as; and which models have records at all."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models
from django.test.utils import isolate_apps

from planets.cache import Records, invalidate, records
from planets.cache.events import Fetch
from planets.cache.storage import keys
from tests.cache.zoo.models import Everything, Star
from tests.cache.zoo.rows import FULL, parts
from tests.support.tables import tables_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.mark.parametrize("pk", ["3", " 3", 3.0, Decimal(3), "٣", True, 3.7])
def test_a_key_is_what_the_field_makes_of_it(redis: Any, events: list[Fetch], pk: Any) -> None:
    truth = Star.objects.get(pk=pk)
    for _ in range(2):
        assert Star.records.get(pk) == truth
    assert Star.records.get(truth.pk) == truth
    assert [event.key for event in events] == [f"star:{truth.pk}"] * 3
    assert [event.outcome for event in events] == ["miss", "hit", "hit"]
    Star.objects.filter(pk=truth.pk).update(name="new")
    assert Star.records.get(pk).name == "new"  # type: ignore[union-attr]


@pytest.mark.parametrize("pk", ["x", "", object(), [3], (3,), {}, b"\xff", float("nan"), "3.0"])
def test_what_is_no_key_is_the_error_that_django_raises(redis: Any, pk: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as djangos:
        Star.objects.get(pk=pk)
    with pytest.raises(type(djangos.value)):
        Star.records.get(pk)
    with pytest.raises((TypeError, ValueError)):
        Star.records.get_many([3, pk])
    assert redis.keys("star:*") == []


@pytest.mark.parametrize("pk", [None, 10**30, -(10**30), 2**63, "9" * 40])
def test_what_no_row_has_is_none_and_is_not_asked_for(
    redis: Any, events: list[Fetch], django_assert_num_queries: Any, pk: Any
) -> None:
    with django_assert_num_queries(0):
        assert Star.records.get(pk) is None
        assert Star.records.get_many([pk]) == {}
    assert Star.records.get_many([3, pk]).keys() == {3}
    assert [event.key for event in events] == ["star:3"]


def test_the_keys_of_the_result_are_those_that_were_asked(redis: Any, events: list[Fetch]) -> None:
    found = Star.records.get_many(["4", 3, 4, "99", Decimal(5)])
    assert [(key, type(key), star.pk) for key, star in found.items()] == [
        *(("4", str, 4), (3, int, 3), (4, int, 4), (Decimal(5), Decimal, 5)),
    ]
    assert found["4"] is not found[4]  # each may be changed
    assert [event.key for event in events] == ["star:4", "star:3", "star:99", "star:5"]


def test_an_id_of_zero_or_below_is_an_id(redis: Any) -> None:
    Star.objects.create(pk=-7, name="Nemesis")
    for _ in range(2):
        assert Star.records.get(-7).name == "Nemesis"  # type: ignore[union-attr]
        assert Star.records.get(0) is None
    Star.objects.filter(pk=-7).update(name="new")
    assert Star.records.get("-7").name == "new"  # type: ignore[union-attr]
    invalidate(Star(pk=-7))


def model(name: str, /, **fields: Any) -> Any:
    meta = type("Meta", (), {"app_label": "zoo"})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


class WholeField(models.IntegerField):
    def get_prep_value(self, value: Any) -> Any:
        return value


@pytest.mark.parametrize(
    "key",
    [
        models.CharField(max_length=5, primary_key=True),
        models.UUIDField(primary_key=True, default=uuid.uuid4),
        models.DecimalField(max_digits=5, decimal_places=2, primary_key=True),
        models.DateField(primary_key=True),
        WholeField(primary_key=True),
    ],
    ids=lambda field: type(field).__name__,
)
@isolate_apps("tests.cache.zoo")
def test_another_primary_key_is_refused_where_the_class_is_made(key: Any) -> None:
    known = dict(records.BY_TABLE)
    with pytest.raises(ImproperlyConfigured, match=r"cache its rows with \.cached\(\) instead"):
        model("Coin", code=key, records=Records())
    assert known == records.BY_TABLE
    assert "zoo_coin" not in keys.RECORDS


@pytest.mark.skipif(not hasattr(models, "CompositePrimaryKey"), reason="Django 5.2 brings it")
@isolate_apps("tests.cache.zoo")
def test_a_composite_primary_key_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="is a CompositePrimaryKey"):
        model(
            "Seat",
            pk=models.CompositePrimaryKey("row", "number"),
            row=models.IntegerField(),
            number=models.IntegerField(),
            records=Records(),
        )


@isolate_apps("tests.cache.zoo")
def test_a_key_that_is_a_relation_leads_to_a_number(redis: Any, events: list[Fetch]) -> None:
    crown = model(
        "Crown",
        star=models.OneToOneField(Star, models.CASCADE, primary_key=True),
        name=models.CharField(max_length=9),
        records=Records(),
    )
    with tables_of(crown):
        crown.objects.create(star_id=3, name="Borealis")
        for pk in (3, "3", 3.0):
            assert parts(crown.records.get(pk)) == parts(crown.objects.get(pk=3))
        assert {event.key for event in events} == {"zoo_crown:3"}
        crown.objects.filter(pk=3).update(name="Australis")
        assert crown.records.get(3).name == "Australis"


@isolate_apps("tests.cache.zoo")
def test_a_relation_without_a_text_is_refused_once_all_models_are_known() -> None:
    class Spaces(models.CharField):
        def from_db_value(self, value: Any, *args: Any) -> Any:
            return value

    coin = model("Purse", coin=models.ForeignKey("zoo.Penny", models.CASCADE), records=Records())
    model("Penny", code=Spaces(max_length=5, primary_key=True))
    try:
        with pytest.raises(ImproperlyConfigured, match=r"is a Spaces, which makes values of its"):
            records.check_all()
    finally:
        keys.RECORDS.pop(coin._meta.db_table)
        records.BY_TABLE.pop(coin._meta.db_table)


class Secret(models.TextField):
    def from_db_value(self, value: Any, *args: Any) -> Any:
        return value and value[::-1]


class InLanguage(models.CharField):
    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        return sql, params


class Lazy(models.CharField):
    def get_db_converters(self, connection: Any) -> Any:
        return []


class Mixin:
    def from_db_value(self, value: Any, *args: Any) -> Any:
        return value


class Behind(models.CharField, Mixin):
    """Whose base behind Django's has what Django looks for."""


class Labelled(models.CharField):
    """It changes what forms and migrations see."""

    def db_type(self, connection: Any) -> Any:
        return super().db_type(connection)

    def contribute_to_class(self, *args: Any, **kwargs: Any) -> None:
        self.verbose_name = "labelled"
        super().contribute_to_class(*args, **kwargs)

    def deconstruct(self) -> Any:
        return super().deconstruct()


class Rounded(models.FloatField):
    cache_aside_plain = True

    def from_db_value(self, value: Any, *args: Any) -> Any:
        return value and float(round(value))


@pytest.mark.parametrize(
    "field",
    [
        Secret(),
        InLanguage(max_length=5),
        Lazy(max_length=5),
        Behind(max_length=5),
        models.JSONField(encoder=type("Encoder", (), {})),
    ],
    ids=lambda field: type(field).__name__,
)
@isolate_apps("tests.cache.zoo")
def test_a_field_that_makes_values_of_its_own_is_refused_where_the_class_is_made(
    field: Any,
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"zoo\.Diary\.text (is a|has an encoder)"):
        model("Diary", text=field, records=Records())


@isolate_apps("tests.cache.zoo")
def test_an_instance_with_a_converter_of_its_own_is_refused() -> None:
    field: Any = models.CharField(max_length=5)
    field.from_db_value = lambda value, *args: value
    with pytest.raises(ImproperlyConfigured, match="makes values of its own"):
        model("Note", text=field, records=Records())


@isolate_apps("tests.cache.zoo")
def test_fields_that_work_as_djangos_have_records(redis: Any) -> None:
    flag = model(
        "Flag",
        label=Labelled(max_length=9),
        height=Rounded(),
        picture=models.ImageField(null=True),
        path=models.FilePathField(path="/tmp", null=True),
        data=models.JSONField(null=True),
        double=models.GeneratedField(
            expression=models.F("id") * 2, output_field=models.BigIntegerField(), db_persist=True
        )
        if connections["default"].vendor != "mysql"  # whose ids cannot be computed with
        else models.IntegerField(default=2),
        twice=models.GeneratedField(
            expression=models.F("height") * 2, output_field=models.FloatField(), db_persist=True
        ),
        records=Records(),
    )
    with tables_of(flag):
        samples: list[Any] = [
            None,
            {"a": [1, None, 0.1, "ü"]},
            [],
            0,
            False,
            "text",
            10**20,
            {"k": {}},
        ]
        for data in samples:
            pk = flag.objects.create(label="x", height=1.6, picture="p.png", data=data).pk
            truth = parts(flag.objects.get(pk=pk))
            assert parts(flag.records.get(pk)) == parts(flag.records.get(pk)) == truth


def test_what_one_reader_changes_in_a_value_is_not_what_the_next_one_gets(
    redis: Any, near_on: None
) -> None:
    everything = Records(Everything)
    pk = Everything.objects.create(**FULL).pk
    for _ in range(4):
        for found in everything.get_many([pk, str(pk)]).values():
            assert found.json == FULL["json"]
            found.json["a"].append("mine")
