"""Star 3, Electra: read by each road, and renamed."""

from __future__ import annotations

from .models import Star
from .records import star

OLD, NEW = "Electra", "Taygeta"


def by_query() -> str:
    return str(Star.objects.cached().filter(pk=3).values_list("name", flat=True)[0])


def by_record() -> str:
    found = star(3)
    assert found
    return found.name


def rename(name: str = NEW) -> None:
    Star.objects.filter(pk=3).update(name=name)


def both() -> set[str]:
    """What the cache says that it is called, however it is asked."""
    return {by_record(), by_query()}
