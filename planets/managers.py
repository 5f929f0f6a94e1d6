"""The site's reads, by name, fetched through the cache. Views ask these and build no queries.

How long a result is kept is CACHE_ASIDE["TTL"], or `cache_ttl` of the class: writes make it stale
long before, so the TTL only bounds what no write of Django's tells us.
"""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F
from django.db.models.functions import Lower

from .cache import CacheAsideQuerySet, named
from .facts import FACTS

if TYPE_CHECKING:
    from .models import Moon, Planet

PLANET_SORTS = ("position", "name", *(fact.field for fact in FACTS))
# Seconds that is kept what anybody can vary without end, as searches: what there is of it at a time
# must stay little beside what all visitors share. What many ask for is filled once in so long.
BRIEF_TTL = 10

MOON_SORTS = ("planet", "name", "radius", "orbital_period", "discovery_year")


def _ordering(field: str, *, descending: bool) -> list[models.expressions.OrderBy]:
    """Unknown values come last either way; ties keep the order of the ids."""
    key = Lower(field) if field == "name" else F(field)
    first = key.desc(nulls_last=True) if descending else key.asc(nulls_last=True)
    return [first, F("id").asc()]


class PlanetQuerySet(CacheAsideQuerySet["Planet"]):
    @named
    def in_order(self) -> "PlanetQuerySet":
        """All planets from the Sun outwards; those without a position come last."""
        return self.cached().order_by(*_ordering("position", descending=False))

    @named
    def listed(
        self, *, kind: str = "", search: str = "", sort: str = "position", descending: bool = False
    ) -> "PlanetQuerySet":
        """The planets of a kind whose name contains `search`, sorted by one of PLANET_SORTS."""
        if sort not in PLANET_SORTS:
            raise ValueError(f"Planets sort by one of {PLANET_SORTS}, not {sort!r}.")
        planets = self.cached(ttl=BRIEF_TTL if search else None)
        planets = planets.order_by(*_ordering(sort, descending=descending))
        if kind:
            planets = planets.filter(kind=kind)
        if search:
            planets = planets.filter(name__icontains=search)
        return planets


class MoonQuerySet(CacheAsideQuerySet["Moon"]):
    @named
    def of(self, planet_id: int) -> "MoonQuerySet":
        """A planet's moons from the innermost outwards."""
        inner_first = models.functions.Abs("orbital_period").asc(nulls_last=True)
        return self.cached().filter(planet_id=planet_id).order_by(inner_first, "id")

    @named
    def listed(
        self,
        *,
        planet_id: int | None = None,
        search: str = "",
        sort: str = "planet",
        descending: bool = False,
    ) -> "MoonQuerySet":
        """Moons joined with their planets, sorted by one of MOON_SORTS."""
        if sort not in MOON_SORTS:
            raise ValueError(f"Moons sort by one of {MOON_SORTS}, not {sort!r}.")
        key = "planet__position" if sort == "planet" else sort
        moons = self.cached(ttl=BRIEF_TTL if search else None).select_related("planet")
        moons = moons.order_by(*_ordering(key, descending=descending))
        if planet_id is not None:
            moons = moons.filter(planet_id=planet_id)
        if search:
            moons = moons.filter(name__icontains=search)
        return moons


PlanetManager = models.Manager.from_queryset(PlanetQuerySet)
MoonManager = models.Manager.from_queryset(MoonQuerySet)
