"""Reads that name no hot column of the stars, and reads of it by each road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planets.cache import fetch, remember

from .models import Star
from .records import star

HOT = {"HOT": {"Star": ["GRAVITY"]}}


def names() -> list[str]:
    return list(Star.objects.cached().order_by("id").values_list("name", flat=True))


def plain_names() -> Any:
    return remember("names", lambda: list(Star.objects.order_by("id").values_list("name")))


def count() -> int:
    return Star.objects.cached().filter(mass__gt=2).count()


def by_text() -> Any:
    return fetch("SELECT id, name FROM star WHERE mass > %s", [2])


def rows() -> list[Any]:
    return list(fetch("SELECT COUNT(*) AS n, kind FROM star GROUP BY kind ORDER BY kind"))


COLD: list[Callable[[], Any]] = [names, plain_names, count, by_text, rows]


def gravity() -> float | None:
    return Star.objects.cached().values_list("gravity", flat=True).get(pk=3)


def whole() -> float | None:
    return Star.objects.cached().get(pk=3).gravity


def star_sql() -> Any:
    return fetch("SELECT * FROM star WHERE id = 3")[0]["gravity"]


def plain_gravity() -> Any:
    return remember("gravity", lambda: Star.objects.get(pk=3).gravity)


def ordered() -> list[int]:
    return list(Star.objects.cached().order_by("-gravity").values_list("pk", flat=True))


def filtered() -> int:
    return Star.objects.cached().filter(gravity__gt=100).count()


def by_record() -> Any:
    return getattr(star(3), "gravity", None)


def of_record() -> Any:
    return remember("record", lambda: getattr(star(3), "gravity", None))


READERS: list[Callable[[], Any]] = [
    gravity, whole, star_sql, plain_gravity, ordered, filtered, by_record, of_record,
]  # fmt: skip
