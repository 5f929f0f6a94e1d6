"""Ways to read the zoo while something is computed, and what each of them reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Sum

from planets.cache import fetch, remember

from .models import Comet, Star
from .records import star, stars


def raw(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def nested() -> Any:
    return remember("inner", lambda: [row.mass for row in Star.objects.cached().order_by("id")])


# Rows of the table star, by every road.
OF_STARS: dict[str, Callable[[], Any]] = {
    "cached": lambda: list(Star.objects.cached().order_by("id").values_list("mass", flat=True)),
    "plain": lambda: list(Star.objects.order_by("id").values_list("mass", flat=True)),
    "sum": lambda: Star.objects.cached().aggregate(sum=Sum("mass"))["sum"],
    "fetch": lambda: fetch("SELECT id, mass FROM star ORDER BY id"),
    "raw": lambda: [list(row) for row in raw("SELECT id, mass FROM star ORDER BY id")],
    "iterator": lambda: [row.mass for row in Star.objects.order_by("id").iterator()],
    "cached iterator": lambda: [
        row.mass for row in Star.objects.cached().order_by("id").iterator()
    ],
    "nested": nested,
    "one": lambda: Star.objects.cached().get(pk=3).mass,
    "record": lambda: getattr(star(3), "mass", None),
    "records": lambda: {pk: row.mass for pk, row in stars([3, 4, 900]).items()},
}
# Rows of both tables.
OF_BOTH: dict[str, Callable[[], Any]] = {
    "join": lambda: [
        [comet.name, comet.star.mass]
        for comet in Comet.objects.cached().select_related("star").order_by("id")
    ],
    "prefetched": lambda: [
        [row.mass, sorted(comet.name for comet in row.comets.all())]
        for row in Star.objects.cached().order_by("id").prefetch_related("comets")
    ],
}
OF_COMETS: dict[str, Callable[[], Any]] = {
    "comets": lambda: list(Comet.objects.order_by("id").values_list("name", flat=True)),
}
ALL = {**OF_STARS, **OF_BOTH, **OF_COMETS}
