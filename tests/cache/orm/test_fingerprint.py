"""Queries with the same fingerprint are the same query, and what cannot be told has none."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import NotSupportedError, connection, models, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Col
from django.db.models.functions import (
    Abs,
    Cast,
    Coalesce,
    ExtractHour,
    Lower,
    Now,
    TruncMonth,
    Upper,
)
from django.db.models.lookups import Exact
from django.test import override_settings

from planets.cache.orm.fingerprint import MAX_VALUES, fingerprint
from planets.cache.orm.plans import plans
from planets.cache.recent import Recent
from tests.cache.zoo.models import Animal, Everything, Tag
from tests.cache.zoo.shapes import READS

pytestmark = pytest.mark.django_db(transaction=True)

NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
ZONES = [dt.UTC, dt.timezone(dt.timedelta(hours=2)), ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")]
TEXTS = ["", "1", "a", "A", "a%", "None", "True"]


class Word(models.TextChoices):
    A = "a", "A"


class Figure(models.IntegerChoices):
    ONE = 1, "One"


Step = Callable[[Any], Any]


def where(**condition: Any) -> Step:
    return lambda rows: rows.filter(**condition)


# Many of these values are equal to one another and are not the same.
STEPS: list[Step] = [
    *(where(integer=n) for n in (0, 1, 2, True, -1)),
    *(where(real=x) for x in (0, 0.0, -0.0, 1, 1.0, True)),
    *(where(decimal=x) for x in (Decimal(1), Decimal("1.0"), 1)),
    *(where(char=text) for text in TEXTS),
    *(where(text=text) for text in TEXTS[:3]),
    *(where(char__contains=text) for text in TEXTS),
    *(where(boolean=value) for value in (True, False, 1, 0)),
    *(where(char__isnull=value) for value in (True, False)),
    *(where(integer__in=values) for values in ([1], [1, 2], [2, 1], [True, 2], (1, 2), {1, 2})),
    *(where(integer__range=pair) for pair in ((1, 2), (2, 1), [1, 2])),
    where(datetime=NOON),
    where(datetime=NOON.astimezone(dt.timezone(dt.timedelta(hours=2)))),
    where(date=dt.date(2024, 1, 1)),
    where(duration=dt.timedelta(seconds=1)),
    where(uuid=uuid.UUID(int=1)),
    where(binary=b"1"),
    where(small=F("integer")),
    lambda rows: rows.exclude(integer=1),
    lambda rows: rows.filter(Q(integer=1) | Q(char="a")),
    lambda rows: rows.filter(Q(integer=1) ^ Q(char="a")),
    lambda rows: rows.filter(~Q(integer=1)),
    lambda rows: rows.order_by("id"),
    lambda rows: rows.order_by("-id"),
    lambda rows: rows.order_by("char", "id"),
    lambda rows: rows.order_by(F("char").desc()),
    lambda rows: rows.order_by(F("char").desc(nulls_last=True)),
    lambda rows: rows.reverse(),
    lambda rows: rows.distinct(),
    lambda rows: rows.only("char"),
    lambda rows: rows.defer("char"),
    lambda rows: rows.values("char"),
    lambda rows: rows.values_list("char", "id"),
    lambda rows: rows.annotate(n=Count("id")),
    lambda rows: rows.annotate(n=Count("id", distinct=True)),
    lambda rows: rows.annotate(n=Count("id", filter=Q(char="a"))),
    lambda rows: rows.annotate(n=Max("real")),
    lambda rows: rows.annotate(n=Sum("real")),
    lambda rows: rows.annotate(n=Value(1)),
    lambda rows: rows.annotate(n=Value("1")),
    *(
        lambda rows, of=of: rows.filter(id__in=Everything.objects.filter(integer=of).values("id"))
        for of in (0, 1, True)
    ),
    lambda rows: rows.filter(id__in=Subquery(Everything.objects.values("id"))),
    lambda rows: rows.filter(Exists(Everything.objects.filter(id=OuterRef("integer")))),
    lambda rows: rows.filter(Exists(Everything.objects.filter(id=OuterRef("small")))),
    lambda rows: rows.filter(~Exists(Everything.objects.filter(id=OuterRef("small")))),
    lambda rows: rows.annotate(
        n=Subquery(Everything.objects.filter(id__gt=OuterRef("id")).order_by("id").values("id")[:1])
    ),
    lambda rows: rows.annotate(n=Lower("char")),
    lambda rows: rows.annotate(n=Upper("char")),
    lambda rows: rows.annotate(n=Coalesce("char", Value("a"))),
    lambda rows: rows.annotate(n=Coalesce("char", Value("b"))),
    lambda rows: rows.annotate(n=Cast("integer", models.CharField(max_length=5))),
    lambda rows: rows.annotate(n=Cast("integer", models.BigIntegerField())),
    lambda rows: rows.annotate(n=F("integer") + 1),
    lambda rows: rows.annotate(n=F("integer") - 1),
    lambda rows: rows.annotate(n=F("integer") + F("small")),
    lambda rows: rows.annotate(n=Case(When(integer=1, then=Value("a")), default=Value("b"))),
    lambda rows: rows.annotate(n=Case(When(integer=2, then=Value("a")), default=Value("b"))),
    lambda rows: rows.order_by(Abs("integer"), "id"),
    lambda rows: rows.order_by(Lower("char").desc(nulls_last=True)),
    where(char__in=[Word.A, "b"]),
    where(char=Word.A),
    where(integer=Figure.ONE),
    lambda rows: rows.order_by().union(Everything.objects.filter(id=1)),
    lambda rows: rows.order_by().union(Everything.objects.filter(id=2)),
    lambda rows: rows.order_by().union(Everything.objects.filter(id=1), all=True),
    lambda rows: rows.order_by().intersection(Everything.objects.filter(id=1)),
    *(lambda rows, of=of: rows.annotate(n=TruncMonth("datetime", tzinfo=of)) for of in ZONES),
    *(lambda rows, of=of: rows.annotate(n=ExtractHour("datetime", tzinfo=of)) for of in ZONES),
    lambda rows: rows.select_for_update(),
    lambda rows: rows.select_for_update(skip_locked=True),
    lambda rows: rows[:1],
    lambda rows: rows[:2],
    lambda rows: rows[1:2],
]


def built(*steps: Step) -> Any:
    queryset: Any = Everything.objects.cached()
    for step in steps:
        queryset = step(queryset)
    return queryset


def meaning(queryset: Any) -> Any:
    """What is sent to the database, with the type of each parameter."""
    try:
        sql, params = queryset.query.chain().get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return "nothing"
    return sql, [repr(bytes(p) if isinstance(p, memoryview) else p) for p in params]


@transaction.atomic  # which select_for_update() asks for
def test_the_same_fingerprint_means_the_same_sql_and_parameters() -> None:
    meanings: dict[Any, Any] = {}
    told = 0
    for pair in itertools.product(STEPS, STEPS):
        try:
            queryset, again = built(*pair), built(*pair)
        except (TypeError, ValueError, NotSupportedError):
            continue  # Django's own rules of what may follow what
        found = fingerprint(queryset.query)
        assert found == fingerprint(again.query)
        if found is not None:
            told += 1
            assert meanings.setdefault(found, meaning(queryset)) == meaning(queryset)
    assert told > 2000


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_the_whole_queryset_api_gives_the_same_when_built_again(
    redis: Any, read: Callable[[Any], Any]
) -> None:
    Everything.objects.create(integer=1, char="a", boolean=True, uuid=uuid.UUID(int=1))
    Everything.objects.create(integer=2, date=dt.date(2024, 1, 1), datetime=NOON, boolean=False)

    def result(rows: Any) -> str:
        try:
            return repr(read(rows))
        except Everything.DoesNotExist as error:
            return repr(error)

    truth = result(Everything.objects.all())
    for _ in range(3):
        assert result(Everything.objects.cached()) == truth


def test_a_query_that_is_built_anew_is_not_compiled_anew(
    redis: Any,
    compiled: list[str],
) -> None:
    owl = Animal.objects.create(name="Owl", weight=2)
    reads: list[Callable[[], Any]] = [
        lambda: [row.name for row in Animal.objects.cached().filter(weight__gt=1).order_by("id")],
        lambda: Animal.objects.cached().get(pk=owl.pk).name,
        lambda: Animal.objects.cached().filter(weight=2).count(),
        lambda: Animal.objects.cached().filter(weight=2).exists(),
        lambda: [row.mother for row in Animal.objects.cached().select_related("mother")],
        lambda: Animal.objects.cached().filter(mother__name="Emu").count(),
        lambda: Animal.objects.cached().filter(tags__word="night").count(),
        lambda: [row.n for row in Animal.objects.cached().annotate(n=Count("children"))],
    ]
    first = [read() for read in reads]
    assert [read() for read in reads] == first
    compiled.clear()
    assert [read() for read in reads] == first
    assert compiled == []

    Animal.objects.filter(pk=owl.pk).update(name="Eagle", weight=3)
    assert [read() for read in reads] == [
        *(["Eagle"], "Eagle", 0, False, [None], 0, 0, [0]),
    ]


def test_each_value_is_its_own_query(redis: Any) -> None:
    for weight in range(3):
        Animal.objects.create(name=f"Animal {weight}", weight=weight)
    for _ in range(2):
        for weight in range(3):
            (animal,) = Animal.objects.cached().filter(weight=weight)
            assert animal.weight == weight


def test_a_query_changed_in_place_is_not_taken_for_the_one_it_was(redis: Any) -> None:
    for weight in (1, 2):
        Animal.objects.create(name="Owl", weight=weight)
    plans.clear()
    queryset = Animal.objects.cached().filter(weight=1)
    for _ in range(2):
        str(queryset.query)  # which looks for a plan, and keeps none
    queryset.query.where.children[0].rhs = 2
    assert [animal.weight for animal in queryset] == [2]
    assert [animal.weight for animal in Animal.objects.cached().filter(weight=1)] == [1]


class Loud(Exact):
    """A lookup of somebody's own, which may ask anything when it is compiled."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return super().as_sql(compiler, connection)


class LoudLower(Lower):
    """A function of somebody's own."""

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return super().as_sql(*args, **kwargs)


class LoudZone(dt.tzinfo):
    """A time zone of somebody's own."""

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(0)

    dst = utcoffset

    def tzname(self, moment: dt.datetime | None) -> str:
        return "UTC"


class LoudField(models.CharField):
    """A field of somebody's own, likewise."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value)


@pytest.mark.parametrize(
    "queryset",
    [
        lambda rows: rows.filter(id__in=Everything.objects.filter(date__year=2024).values("id")),
        lambda rows: rows.filter(datetime__lt=Now()),
        lambda rows: rows.filter(datetime__year=2024),
        lambda rows: rows.filter(datetime__date="2024-01-01"),
        lambda rows: rows.filter(Loud(F("integer"), 1)),
        lambda rows: rows.extra(where=["1 = 1"]),
        lambda rows: rows.extra(select={"two": "1 + 1"}).filter(json={"a": object}),
        lambda rows: rows.union(Everything.objects.filter(datetime__year=2024)),
        lambda rows: rows.union(Everything.objects.filter(id=1)).order_by(Lower("char")),
        lambda rows: rows.annotate(n=TruncMonth("datetime")),
        lambda rows: rows.annotate(n=TruncMonth("datetime", tzinfo=LoudZone())),
        lambda rows: rows.filter(integer__in=range(MAX_VALUES + 1)),
        lambda rows: rows.filter(json__a=1),
    ],
)
def test_what_cannot_be_told_has_none(queryset: Callable[[Any], Any]) -> None:
    assert fingerprint(queryset(Everything.objects.cached()).query) is None


def test_a_field_of_somebodys_own_has_none() -> None:
    queryset = Tag.objects.cached().filter(word="a")
    assert fingerprint(queryset.query) is not None
    condition: Any = queryset.query.where.children[0]
    condition.lhs = Col("zoo_tag", LoudField())
    assert fingerprint(queryset.query) is None


def test_an_ordering_of_the_model_is_part_of_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Animal._meta, "ordering", [LoudLower("name")])  # as somebody's own would be
    animals = Animal.objects.cached()
    assert fingerprint(animals.query) is None
    assert fingerprint(animals.order_by("name").query) is not None
    assert fingerprint(animals.order_by().query) is not None
    # Animals by their mother are by their mother's ordering, and so on.
    assert fingerprint(animals.order_by("-mother").query) is None
    assert fingerprint(animals.order_by("mother__mother").query) is None
    assert fingerprint(animals.order_by("mother__name").query) is not None
    monkeypatch.setattr(Animal._meta, "ordering", None)  # which Django takes for none
    assert fingerprint(animals.query) is not None
    assert fingerprint(animals.order_by("-mother").query) is not None
    monkeypatch.setattr(Animal._meta, "ordering", ["mother"])  # Django says no, in its own words
    assert fingerprint(animals.query) is not None
    monkeypatch.setattr(Animal._meta, "ordering", ["-name", F("weight").desc()])
    assert fingerprint(animals.query) == fingerprint(Animal.objects.cached().query) is not None


def test_what_changes_parameters_from_outside_makes_all_plans_anew(
    redis: Any,
    compiled: list[str],
) -> None:
    read = lambda: list(Everything.objects.cached().filter(datetime=NOON))  # noqa: E731
    read()
    read()
    compiled.clear()
    read()
    assert compiled == []
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        read()
        assert len(compiled) == 1


def test_only_what_comes_again_is_remembered_and_only_so_much(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans.clear()
    monkeypatch.setattr("planets.cache.orm.plans.MAX_PLANS", 2)
    monkeypatch.setattr(plans, "_seen", Recent(6))
    read = lambda weight: list(Animal.objects.cached().filter(weight=weight))  # noqa: E731
    for weight in range(10):
        read(weight)
    assert len(plans._plans) == 0
    assert len(plans._seen) < 6
    for weight in (7, 8, 9):
        read(weight)
    assert len(plans._plans) == 2
