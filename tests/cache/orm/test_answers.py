"""count(), exists() and aggregate() are answered again without compiling, by the right query."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, models
from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from django.db.models.functions import TruncMonth
from django.db.models.sql import Query
from django.test import override_settings
from django.utils import timezone

from planets.cache.events import Fetch
from planets.cache.orm import answers
from planets.cache.orm.fingerprint import fingerprint
from tests.cache.zoo.models import Animal, Everything
from tests.cache.zoo.rows import FULL, parts

pytestmark = pytest.mark.django_db(transaction=True)

Read = Callable[[Any], Any]

READS: dict[str, Read] = {
    "count": lambda rows: rows.filter(integer__gt=1).count(),
    "count of a part": lambda rows: rows.order_by("id")[1:3].count(),
    "count of groups": lambda rows: rows.values("boolean").annotate(n=Count("id")).count(),
    "count of distinct": lambda rows: rows.values("char").distinct().count(),
    "count of a union": lambda rows: rows.order_by().union(rows.order_by(), all=True).count(),
    "exists": lambda rows: rows.filter(integer__gt=1).exists(),
    "exists not": lambda rows: rows.filter(integer=-99).exists(),
    "nothing": lambda rows: (rows.none().count(), rows.filter(id__in=[]).exists()),
    "aggregate": lambda rows: rows.aggregate(Avg("real"), Max("decimal"), n=Count("id")),
    "of types": lambda rows: rows.aggregate(
        a=Max("datetime"), b=Max("date"), c=Min("duration"), d=Max("time"), e=Max("address")
    ),
    "of nothing": lambda rows: rows.filter(integer=-99).aggregate(a=Sum("integer"), n=Count("id")),
    "default": lambda rows: rows.filter(integer=-99).aggregate(a=Sum("integer", default=7)),
    "of an expression": lambda rows: rows.aggregate(a=Max(F("integer") + F("small"))),
    "of an annotation": lambda rows: rows.annotate(x=F("small") * 2).aggregate(a=Max("x")),
    "filtered": lambda rows: rows.aggregate(a=Count("id", filter=Q(char="") | Q(real=0))),
    "zoned": lambda rows: rows.aggregate(a=Max(TruncMonth("datetime", tzinfo=dt.UTC))),
    "no aggregate": lambda rows: rows.aggregate(),
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Django is asked for from here on, with nothing known."""
    answers.clear()
    seen: list[str] = []
    for name in ("get_aggregation", "has_results"):
        theirs = getattr(Query, name)

        def heard(
            self: Any, *args: Any, name: str = name, theirs: Any = theirs, **named: Any
        ) -> Any:
            seen.append(name)
            return theirs(self, *args, **named)

        monkeypatch.setattr(Query, name, heard)
    return seen


@pytest.mark.parametrize("near", [False, True], ids=["Redis", "near"])
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_an_answer_is_what_django_gives(
    rows: None, read: Read, near: bool, request: pytest.FixtureRequest
) -> None:
    if near:
        request.getfixturevalue("near_on")
    for _ in range(2):
        truth = parts(read(Everything.objects.all()))
        for _ in range(4):
            assert parts(read(Everything.objects.cached())) == truth
        Everything.objects.create(**{**FULL, "integer": 7, "decimal": Decimal(-1), "uuid": None})


@pytest.mark.parametrize(
    "read", [READS[name] for name in ("count", "exists", "aggregate", "of types", "filtered")]
)
def test_from_the_third_time_on_django_is_not_asked(
    rows: None, read: Read, asked: list[str], events: list[Fetch]
) -> None:
    for times in (1, 2, 2, 2):
        read(Everything.objects.cached())
        assert len(asked) == times
    assert [event.outcome for event in events] == ["miss", "hit", "hit", "hit"]
    assert len({event.key for event in events}) == 1
    Everything.objects.create(integer=3)
    assert parts(read(Everything.objects.cached())) == parts(read(Everything.objects.all()))
    assert events[-1].outcome == "miss"
    assert len(asked) == 3  # for what is not cached


def test_what_is_asked_is_told_apart(redis: Any) -> None:
    for number, weight in enumerate((1, 2, 3)):
        Animal.objects.create(name=f"Animal {number}", weight=weight)
    reads: list[Read] = [
        lambda rows: rows.filter(weight__gt=1).count(),
        lambda rows: rows.filter(weight__gt=1).exists(),
        lambda rows: rows.filter(weight__gt=1).aggregate(n=Count("id")),
        lambda rows: rows.filter(weight__gt=1).aggregate(m=Count("id")),
        lambda rows: rows.filter(weight__gt=1).aggregate(n=Max("id")),
        lambda rows: rows.filter(weight__gt=1).aggregate(n=Count("id", filter=Q(weight=2))),
        lambda rows: rows.filter(weight__gt=1).aggregate(n=Count("id", filter=Q(weight=3.0))),
        lambda rows: rows.filter(weight__gt=2).count(),
        lambda rows: rows.filter(weight__gt=True).count(),
    ]
    truth = [read(Animal.objects.all()) for read in reads]
    for _ in range(4):
        assert [read(Animal.objects.cached()) for read in reads] == truth


def test_an_expression_that_asks_for_the_time_zone_is_compiled_each_time(
    redis: Any, asked: list[str]
) -> None:
    """Its names are resolved when Django is asked, so the query tells it only then."""
    Everything.objects.create(datetime=dt.datetime(2023, 12, 31, 23, tzinfo=dt.UTC))

    def of_2024() -> int:
        condition = Q(datetime__year=2024)
        found = Everything.objects.cached().aggregate(n=Count("id", filter=condition))
        return int(found["n"])

    for _ in range(3):
        with timezone.override("Asia/Tokyo"):
            assert of_2024() == 1
        with timezone.override("UTC"):
            assert of_2024() == 0
    assert len(asked) == 6


def test_a_change_of_settings_forgets_all_answers(rows: None, asked: list[str]) -> None:
    for _ in range(3):
        Everything.objects.cached().count()
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        Everything.objects.cached().count()
    assert len(asked) == 3


def test_threads_share_answers_and_not_connections(rows: None, asked: list[str]) -> None:
    for _ in range(2):
        Everything.objects.cached().aggregate(Max("real"))
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(Everything.objects.cached().aggregate(Max("real")))
            Everything.objects.create(real=9.5)
            found.append(Everything.objects.cached().aggregate(Max("real")))
        finally:
            connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found[0]["real__max"] < found[1]["real__max"] == 9.5
    assert len(asked) == 2


def test_what_a_caller_does_with_his_answer_is_his(rows: None, near_on: None) -> None:
    for _ in range(4):
        found = Everything.objects.cached().aggregate(n=Count("id"))
        assert found == {"n": 3}
        found.clear()


def test_a_field_of_somebodys_own_has_no_answer(
    redis: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(models.IntegerField):
        def get_db_prep_value(self, *args: Any, **kwargs: Any) -> Any:
            return super().get_db_prep_value(*args, **kwargs)

    Animal.objects.create(name="Owl", weight=2)
    # All of the model was plain when it was looked at: what Django makes of the names is not.
    assert fingerprint(Animal.objects.cached().query) is not None
    monkeypatch.setattr(Animal._meta.get_field("weight"), "__class__", Odd)
    for _ in range(4):
        Animal.objects.cached().aggregate(Max("mother__weight"))
    assert len(asked) == 4
