"""The site's reads by name: what measure_cache times and warm_cache fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from django.urls import reverse

from .cache import disabled
from .cache.reads import NothingToRead, Read
from .listing import PAGE, Counts
from .managers import MOON_SORTS, MOONS, PLANET_SORTS
from .models import Moon, Planet
from .pages.forms import MOST_CHOICES
from .records import planet, planets

DIRECTIONS = (False, True)


def measured() -> list[Read]:
    """The reads of the site's pages. Raises NothingToRead where there are no planets."""
    with disabled():
        some = list(Planet.objects.order_by("id")[:3])
    if not some:
        raise NothingToRead("There are no planets: run seed_planets or make_planets first.")
    first, ids = some[0], [one.pk for one in some]
    return [
        Read("detail", "one planet by its id, from its hash", lambda: planet(first.pk)),
        Read("compare", f"{len(ids)} planets by their ids, at once", lambda: planets(ids)),
        Read("list", "the first planets in order", lambda: list(Planet.objects.in_order()[:PAGE])),
        Read(
            "filter",
            "the gas giants, the heaviest first",
            lambda: list(
                Planet.objects.listed(kind="gas-giant", sort="mass", descending=True)[:PAGE]
            ),
        ),
        Read(
            "search",
            f"planets whose name contains {first.name!r}",
            lambda: list(Planet.objects.listed(search=first.name)[:PAGE]),
        ),
        Read("join", "all moons with their planets", lambda: list(Moon.objects.listed())),
    ]


def warmed() -> Iterator[Callable[[], object]]:
    """The managers' named queries as pages ask them, but for those that search for a text."""
    total = Planet.objects.count()
    small = Counts(total, total) if total <= PAGE else None
    yield partial(Planet.objects.counts)
    yield partial(Moon.objects.planets, MOST_CHOICES + 1)
    yield partial(Moon.objects.matching().count)
    for kind, sort, descending in product(["", *Planet.Kind.values], PLANET_SORTS, DIRECTIONS):
        facets: dict[str, Any] = {"kind": kind, "sort": sort, "descending": descending}
        yield partial(Planet.objects.leaf, 1, counts=small, **facets)
    for sort, descending in product(MOON_SORTS, DIRECTIONS):
        yield partial(list, Moon.objects.listed(sort=sort, descending=descending)[:MOONS])
    for planet_id in _most_seen():
        yield partial(list, Moon.objects.of(planet_id))


def _most_seen() -> list[int]:
    """The planets of the first page: of a catalogue, all would fill the cache by themselves."""
    first = Planet.objects.filter(position__isnull=False).order_by("position", "id")
    first_of_all = [*first[:PAGE], *Planet.objects.order_by("id")[:PAGE]]
    return [*dict.fromkeys(planet.pk for planet in first_of_all)][:PAGE]


def pages() -> Iterator[str]:
    """Addresses of the pages that most visitors see: those that ask for no search or order."""
    yield reverse("planets:home")
    yield reverse("planets:moons")
    yield reverse("planets:compare")
    for planet_id in _most_seen():
        yield reverse("planets:planet", args=[planet_id])


def warmed_count() -> int:
    """How many `warmed` gives."""
    lists = (1 + len(Planet.Kind)) * len(PLANET_SORTS) + len(MOON_SORTS)
    return 3 + 2 * lists + len(_most_seen())
