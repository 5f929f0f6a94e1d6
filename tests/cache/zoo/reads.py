"""What CACHE_ASIDE["READS"] names: the zoo's reads, to be measured and to be warmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from planets.cache import disabled
from planets.cache.reads import NothingToRead, Read

from .models import Comet, Star
from .records import star, stars

KINDS = ("giant", "dwarf", "supergiant")


def measured() -> list[Read]:
    with disabled():
        ids = list(Star.objects.order_by("id").values_list("pk", flat=True)[:3])
    if not ids:
        raise NothingToRead("There are no stars: fill the sky first.")
    cached = Star.objects.cached
    return [
        Read("detail", "one star by its id", lambda: star(ids[0])),
        Read("compare", "some stars by their ids", lambda: stars(ids)),
        Read("list", "all stars in order", lambda: list(cached().order_by("position"))),
        Read("filter", "the giants", lambda: list(cached().filter(kind="giant"))),
        Read("search", "stars by name", lambda: list(cached().filter(name__icontains="a"))),
        Read("join", "all comets", lambda: list(Comet.objects.cached().select_related("star"))),
    ]


def warmed() -> Iterator[Callable[[], object]]:
    """One of them twice, as a site's default list is."""
    for _ in range(2):
        yield partial(list, Star.objects.cached().order_by("position"))
    for kind in KINDS:
        yield partial(list, Star.objects.cached().filter(kind=kind))
    for star_id in Star.objects.values_list("pk", flat=True).iterator():
        yield partial(list, Comet.objects.cached().filter(star_id=star_id))


def warmed_count() -> int:
    return 2 + len(KINDS) + Star.objects.count()
