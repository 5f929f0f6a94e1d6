"""The site's reads by name: what measure_cache times and warm_cache fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from django.urls import reverse

from .cache import disabled
from .cache.reads import NothingToRead, Read
from .managers import MOON_SORTS, PLANET_SORTS
from .models import Moon, Planet
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
        Read("list", "all planets in order", lambda: list(Planet.objects.in_order())),
        Read(
            "filter",
            "the gas giants, the heaviest first",
            lambda: list(Planet.objects.listed(kind="gas-giant", sort="mass", descending=True)),
        ),
        Read(
            "search",
            f"planets whose name contains {first.name!r}",
            lambda: list(Planet.objects.listed(search=first.name)),
        ),
        Read("join", "all moons with their planets", lambda: list(Moon.objects.listed())),
    ]


def warmed() -> Iterator[Callable[[], object]]:
    """The managers' named queries as pages ask them, but for those that search for a text."""
    yield partial(list, Planet.objects.in_order())
    for kind, sort, descending in product(["", *Planet.Kind.values], PLANET_SORTS, DIRECTIONS):
        yield partial(list, Planet.objects.listed(kind=kind, sort=sort, descending=descending))
    for sort, descending in product(MOON_SORTS, DIRECTIONS):
        yield partial(list, Moon.objects.listed(sort=sort, descending=descending))
    for planet_id in Planet.objects.values_list("pk", flat=True).iterator():
        yield partial(list, Moon.objects.of(planet_id))


def pages() -> Iterator[str]:
    """Addresses of the pages that most visitors see: those that ask for no search or order."""
    yield reverse("planets:home")
    yield reverse("planets:moons")
    yield reverse("planets:compare")
    for planet_id in Planet.objects.values_list("pk", flat=True).iterator():
        yield reverse("planets:planet", args=[planet_id])


def warmed_count() -> int:
    """How many `warmed` gives."""
    lists = (1 + len(Planet.Kind)) * len(PLANET_SORTS) + len(MOON_SORTS)
    return 1 + 2 * lists + Planet.objects.count()
