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

from django.db import models
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Q, Value, When
from django.db.models.functions import Abs, Coalesce, Lower, TruncMonth

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
    number = random.randint(0, 2)
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
        lambda rows: rows.annotate(m=TruncMonth("datetime", tzinfo=dt.UTC)),
        lambda rows: rows.annotate(n=Count("id")),
        lambda rows: rows.reverse(),
        lambda rows: rows[number : number + 2],
        lambda rows: rows.all(),
    ]
    return random.choice(steps)


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
    ]
    return random.choice(ends)


def querysets(seed: int, count: int) -> Iterator[tuple[int, Step]]:
    """Reads of all rows of Everything, each with the seed that it alone is made of."""
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        random = Random(number)
        steps = [_step(random) for _ in range(random.randint(0, 4))]
        yield number, _read(steps, _end(random))


def _read(steps: list[Step], end: Step) -> Step:
    def read(rows: models.QuerySet[Any]) -> Any:
        queryset = rows.order_by("id")
        for step in steps:
            queryset = step(queryset)
        return end(queryset)

    return read
