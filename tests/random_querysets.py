"""Random querysets, cached beside uncached: the same values of the same types.

    python -m pytest tests/cache/orm/test_random_querysets.py            # some hundreds
    RANDOM_QUERYSETS=100000 RANDOM_SEED=1 python -m pytest tests/cache/orm/test_random_querysets.py

What a queryset is made of is drawn from a seed, so that one that differs can be made again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    Min,
    OuterRef,
    Q,
    Sum,
    Value,
    When,
)
from django.db.models.functions import (
    Abs,
    Coalesce,
    ExtractHour,
    Lower,
    TruncDate,
    TruncHour,
    TruncMonth,
)

Step = Callable[[Any], Any]

VALUES: dict[str, list[Any]] = {
    "boolean": [True, False, 1],
    "small": [0, 1, -32768],
    "integer": [0, 1, True, 2147483647],
    "real": [0.0, -0.0, 1, 0.1 + 0.2],
    "decimal": [Decimal(1), Decimal("1.0"), 1],
    "char": ["", "a", "A", "1"],
    "date": [dt.date(1, 1, 1), dt.date(2024, 2, 29)],
    "datetime": [dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)],
    "duration": [dt.timedelta(days=-3, microseconds=7)],
    "uuid": [uuid.UUID(int=1)],
}
ZONES = [dt.UTC, dt.timezone(dt.timedelta(hours=2)), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")]
FIELDS = [*VALUES, "binary", "json", "address", "file", "time"]


def _condition(random: Random) -> dict[str, Any]:
    field = random.choice(list(VALUES))
    value = random.choice(VALUES[field])
    lookup = random.choice(["", "__gt", "__lte", "__in", "__isnull"])
    if lookup == "__isnull":
        value = random.choice([True, False])
    elif lookup == "__in":
        value = random.sample(VALUES[field], random.randint(1, len(VALUES[field])))
    return {field + lookup: value}


def _step(random: Random) -> Step:
    """One that may follow any other; Django says no where it may not."""
    one, other = _condition(random), _condition(random)
    field, names = random.choice(FIELDS), random.sample(FIELDS, 3)
    random_combination = random.choice(["union", "intersection", "difference"])
    number, zone = random.randint(0, 2), random.choice(ZONES)
    steps: list[Step] = [
        lambda rows: rows.filter(**one),
        lambda rows: rows.filter(**one),
        lambda rows: rows.exclude(**one),
        lambda rows: rows.filter(Q(**one) | ~Q(**other)),
        lambda rows: rows.filter(
            Exists(type(rows.model())._base_manager.filter(id=OuterRef("id")))
        ),
        lambda rows: rows.only(*names),
        lambda rows: rows.defer(*names),
        lambda rows: rows.values(*names),
        lambda rows: rows.values_list(*names),
        lambda rows: rows.values_list(field, flat=True),
        lambda rows: rows.values_list(*names, named=True),
        lambda rows: rows.annotate(x=Coalesce(Lower("char"), Value("none"))),
        lambda rows: rows.annotate(y=Abs("integer") + F("small")),
        lambda rows: rows.annotate(z=Case(When(**one, then=Value(1)), default=Value(2))),
        lambda rows: rows.annotate(m=TruncMonth("datetime", tzinfo=zone)),
        lambda rows: rows.annotate(h=TruncHour("datetime", tzinfo=zone)),
        lambda rows: rows.annotate(d=TruncDate("datetime", tzinfo=zone)),
        lambda rows: rows.annotate(e=ExtractHour("datetime", tzinfo=zone)).order_by("e", "id"),
        lambda rows: united(rows, "union", one),
        lambda rows: united(rows, random_combination, other),
        lambda rows: rows.annotate(n=Count("id")),
        lambda rows: rows.reverse(),
        lambda rows: rows[number : number + 2],
        lambda rows: rows.all(),
    ]
    return random.choice(steps)


def united(rows: Any, how: str, condition: dict[str, Any]) -> Any:
    """With other rows of the same columns; in an order that is told."""
    others = rows.model._base_manager.filter(**condition)
    columns = rows.query.values_select
    others = others.values_list(*columns) if columns else others
    return getattr(rows.order_by(), how)(others).order_by(columns[0] if columns else "id")


def _end(random: Random) -> Step:
    one = _condition(random)
    ends: list[Step] = [
        list,
        list,
        list,
        lambda rows: rows.count(),
        lambda rows: rows.exists(),
        lambda rows: rows.first(),
        lambda rows: rows.last(),
        lambda rows: rows.get(**one),
        lambda rows: rows.aggregate(Avg("real"), Max("decimal"), n=Count("id")),
        lambda rows: rows.aggregate(n=Count("id", filter=Q(**one)), x=Max("datetime")),
        lambda rows: rows.aggregate(s=Sum("integer", default=0), b=Min("boolean")),
        lambda rows: rows.aggregate(m=Max(F("integer") + F("small")), d=Min("duration")),
        lambda rows: rows.aggregate(m=Max(TruncMonth("datetime", tzinfo=dt.UTC))),
    ]
    return random.choice(ends)


def querysets(seed: int, count: int) -> Iterator[tuple[int, Step]]:
    """Reads of all rows of Everything, each with the seed that it alone is made of."""
    return _drawn(seed, count, _step, _end)


def _drawn(
    seed: int, count: int, step: Callable[[Random], Step], end: Callable[[Random], Step]
) -> Iterator[tuple[int, Step]]:
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        random = Random(number)
        steps = [step(random) for _ in range(random.randint(0, 4))]
        yield number, _read(steps, end(random))


# --- relations


def _of_animals(random: Random) -> dict[str, Any]:
    path = random.choice(["", "mother__", "children__"])
    return random.choice(
        [
            {f"{path}weight": random.randint(0, 3)},
            {f"{path}weight__gt": random.randint(0, 3)},
            {f"{path}name": random.choice(["Owl", "Emu"])},
            {"tags__word": random.choice(["night", "day"])},
        ]
    )


def _step_of_animals(random: Random) -> Step:
    one, other, number = _of_animals(random), _of_animals(random), random.randint(0, 3)

    # Made for each read: Django notes in them which query they have become a part of.
    def kids(rows: Any) -> Any:
        condition = Q(children__weight__gt=number)
        return rows.annotate(kids=FilteredRelation("children", condition=condition))

    def named(rows: Any) -> Any:
        return rows.annotate(named=FilteredRelation("mother", condition=~Q(mother__name="Owl")))

    steps: list[Step] = [
        lambda rows: rows.filter(**one),
        lambda rows: rows.exclude(**one),
        lambda rows: rows.filter(Q(**one) | ~Q(**other)),
        lambda rows: kids(rows).filter(kids__weight__lt=number + 2),
        lambda rows: kids(rows).annotate(n=Count("kids")),
        # By the id alone rows of one mother stand in the order that the server likes.
        lambda rows: kids(rows).order_by("id", "kids__name").values_list("id", "kids__name"),
        lambda rows: named(rows).select_related("named"),
        lambda rows: named(rows).filter(named__isnull=bool(number % 2)),
        lambda rows: rows.select_related("mother__mother"),
        lambda rows: rows.annotate(n=Count("children"), s=Sum("tags__id", default=0)),
        lambda rows: rows.distinct(),
        lambda rows: rows.order_by("mother__name", "id"),
        lambda rows: united(rows, "union", {"weight": number}),
        lambda rows: rows[number : number + 2],
    ]
    return random.choice(steps)


def _end_of_animals(random: Random) -> Step:
    one = _of_animals(random)
    ends: list[Step] = [
        list,
        list,
        lambda rows: [(row, row.mother) for row in rows.select_related("mother")],
        lambda rows: rows.count(),
        lambda rows: rows.exists(),
        lambda rows: rows.first(),
        lambda rows: rows.aggregate(m=Max("mother__weight"), n=Count("children", distinct=True)),
        lambda rows: rows.aggregate(n=Count("id", filter=Q(**one)), s=Sum("children__weight")),
    ]
    return random.choice(ends)


def querysets_of_animals(seed: int, count: int) -> Iterator[tuple[int, Step]]:
    """Reads of all animals, with their relations."""
    return _drawn(seed, count, _step_of_animals, _end_of_animals)


def _read(steps: list[Step], end: Step) -> Step:
    def read(rows: models.QuerySet[Any]) -> Any:
        queryset = rows.order_by("id")
        for step in steps:
            queryset = step(queryset)
        return end(queryset)

    return read
