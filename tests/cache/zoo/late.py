"""Star 3 by each road, for who accepts that it may be late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planets.cache import fetch, remember
from planets.cache.reading.late import Late, late

from .models import Star
from .records import star

LONG = 60


def by_query(**lateness: Any) -> str:
    return Star.objects.cached(**lateness).get(pk=3).name


def by_text(**lateness: Any) -> str:
    return str(fetch("SELECT name FROM star WHERE id = 3", **lateness)[0]["name"])


def by_value(**lateness: Any) -> str:
    return remember("late", lambda: Star.objects.get(pk=3).name, **lateness)


def by_record(**lateness: Any) -> str:
    if lateness != LATE:
        Star.records.late = late(**lateness)
    try:
        return str(getattr(star(3), "name", None))
    finally:
        Star.records.late = Late(LONG, LONG)


LATE = {"max_stale": LONG}
UNLESS = {"stale_if_error": LONG}
Read = Callable[..., str]
