"""The site's reads, by name, fetched through the cache. Views ask these and build no queries.

How long a result is kept is CACHE_ASIDE["TTL"], or `cache_ttl` of the class: writes make it stale
long before, so the TTL only bounds what no write of Django's tells us.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models import Count, F
from django.db.models.functions import Lower

from .cache import CacheAsideQuerySet, named
from .facts import FACTS
from .listing import LOOKED_AT, PAGE, Counts, Cut, Leaf, cut

if TYPE_CHECKING:
    from .models import Moon, Planet

PLANET_SORTS = ("position", "name", *(fact.field for fact in FACTS), "discovery_year")
# Seconds that is kept what anybody can vary without end, as searches, from its second sight on: of
# it there must be little at a time beside what all visitors share. What many ask for is filled once
# in so long.
BRIEF_TTL = 10

MOON_SORTS = ("planet", "name", "radius", "orbital_period", "discovery_year")
MOONS = 100  # of a page
SYSTEM = 24  # planets of one star that are shown together; the most known are eight
# Rows that a database may skip for a page; before later pages it looks up their ids in the index,
# and so skips entries of that instead.
DEEP = 1_000


def _ordering(field: str, *, descending: bool, folding: bool) -> list[models.expressions.OrderBy]:
    """Unknown values come last either way; ties keep the order of the ids.

    Capitals count for nothing: where the database does not see to that by itself, by `folding`.
    """
    key = Lower(field) if field == "name" and folding else F(field)
    first = key.desc(nulls_last=True) if descending else key.asc(nulls_last=True)
    return [first, F("id").asc()]


class PlanetQuerySet(CacheAsideQuerySet["Planet"]):
    @named
    def in_order(self) -> "PlanetQuerySet":
        """All planets from the Sun outwards; those without a position come last."""
        return self.cached()._sorted("position", descending=False)

    def matching(
        self, *, kind: str = "", method: str = "", star: str = "", year: int = 0, search: str = ""
    ) -> "PlanetQuerySet":
        """The planets of a kind, a method and a year of discovery, and a star, and whose name
        contains `search`; in no order.
        """
        endless = bool(search or star)
        planets = self.cached(ttl=BRIEF_TTL if endless else None, second_sight=endless)
        wanted = {"kind": kind, "discovery_method": method, "star": star, "discovery_year": year}
        planets = planets.filter(**{field: value for field, value in wanted.items() if value})
        return planets.filter(name__icontains=search) if search else planets

    @named
    def listed(
        self, *, sort: str = "position", descending: bool = False, **facets: Any
    ) -> "PlanetQuerySet":
        """The planets that match, all of them, sorted by one of PLANET_SORTS."""
        if sort not in PLANET_SORTS:
            raise ValueError(f"Planets sort by one of {PLANET_SORTS}, not {sort!r}.")
        return self.matching(**facets)._sorted(sort, descending=descending)

    def counts(self, *, sort: str = "position", **facets: Any) -> Counts:
        """How many planets match, and of how many the value that they are sorted by is known."""
        # The names of all planets are known.
        known = {} if sort == "name" else {"known": Count(sort)}
        found = self.matching(**facets).aggregate(total=Count("pk"), **known)
        return Counts(found["total"], found.get("known", found["total"]))

    def leaf(
        self,
        number: int,
        *,
        sort: str = "position",
        descending: bool = False,
        counts: Counts | None = None,
        **facets: Any,
    ) -> "Leaf[Planet]":
        """A page of what `listed` gives, the last one where there are fewer.

        `counts` are of what matches, where they are known already or are known to be one page's.
        """
        counts = counts or self.counts(sort=sort, **facets)
        if counts.total <= PAGE:
            rows = list(self.listed(sort=sort, descending=descending, **facets)[:PAGE])
            return Leaf(rows, 1, 1, len(rows))
        here = cut(counts, number)
        matching = self.matching(**facets)
        if here.number > LOOKED_AT:
            matching = matching.cached(ttl=BRIEF_TTL)
        return Leaf(matching._cut(here, sort, descending), here.number, here.pages, counts.total)

    def _cut(self, here: Cut, sort: str, descending: bool) -> "list[Planet]":
        """Each part is in the order of an index, so that no row is read that is not on the page."""
        if not here.known:
            planets = self.filter(**{f"{sort}__isnull": True}).order_by("id")
        elif sort == "name":
            planets = self._sorted(sort, descending=descending)
        else:
            sign = "-" if descending else ""
            known = self.filter(**{f"{sort}__isnull": False})
            planets = known.order_by(f"{sign}{sort}", f"{sign}id")
        rows = slice(here.start, here.start + PAGE)
        if here.start <= DEEP:
            return list(planets[rows])
        ids = list(planets.values_list("pk", flat=True)[rows])
        found = self.model.objects.cached(ttl=BRIEF_TTL).in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    def _sorted(self, field: str, *, descending: bool) -> "PlanetQuerySet":
        folding = connections[self.db].vendor != "mysql"
        if field == "name" and not folding:
            return self.order_by(*(["-name", "-id"] if descending else ["name", "id"]))
        return self.order_by(*_ordering(field, descending=descending, folding=folding))

    def system(self, planet: "Planet") -> "PlanetQuerySet":
        """A planet and the others of its star, from the innermost outwards."""
        inner_first = [F(field).asc(nulls_last=True) for field in ("position", "distance")]
        whose = {"star": planet.star} if planet.star else {"pk": planet.pk}
        return self.cached().filter(**whose).order_by(*inner_first, "id")[:SYSTEM]

    def present(self, ids: Iterable[int]) -> set[int]:
        """Which of these ids there are, from the database. Only these are to be read as records: of
        any other the cache would keep its absence, and a stranger can name four thousand million.
        """
        return set(self.uncached().filter(pk__in=list(ids)).values_list("pk", flat=True))


class MoonQuerySet(CacheAsideQuerySet["Moon"]):
    @named
    def of(self, planet_id: int) -> "MoonQuerySet":
        """A planet's moons from the innermost outwards."""
        inner_first = models.functions.Abs("orbital_period").asc(nulls_last=True)
        return self.cached().filter(planet_id=planet_id).order_by(inner_first, "id")

    def matching(
        self, *, planet_id: int | None = None, planet: str = "", search: str = ""
    ) -> "MoonQuerySet":
        """Moons of a planet, or of planets whose name contains `planet`; in no order."""
        endless = bool(search or planet)
        moons = self.cached(ttl=BRIEF_TTL if endless else None, second_sight=endless)
        if planet_id is not None:
            moons = moons.filter(planet_id=planet_id)
        if planet:
            moons = moons.filter(planet__name__icontains=planet)
        return moons.filter(name__icontains=search) if search else moons

    @named
    def listed(
        self, *, sort: str = "planet", descending: bool = False, **facets: Any
    ) -> "MoonQuerySet":
        """Moons joined with their planets, sorted by one of MOON_SORTS."""
        if sort not in MOON_SORTS:
            raise ValueError(f"Moons sort by one of {MOON_SORTS}, not {sort!r}.")
        key = "planet__position" if sort == "planet" else sort
        moons = self.matching(**facets).select_related("planet")
        return moons.order_by(*_ordering(key, descending=descending, folding=True))

    def leaf(self, number: int, **criteria: Any) -> "Leaf[Moon]":
        """A page of what `listed` gives, the last one where there are fewer."""
        facets = {k: v for k, v in criteria.items() if k not in ("sort", "descending")}
        total = self.matching(**facets).count()
        here = cut(Counts(total, total), number, size=MOONS)
        rows = list(self.listed(**criteria)[here.start : here.start + MOONS])
        return Leaf(rows, here.number, here.pages, total)

    def planets(self, most: int) -> "list[tuple[int, str]]":
        """Id and name of the planets that have moons, `most` of them at most."""
        whose = self.cached().order_by(F("planet__position").asc(nulls_last=True), "planet_id")
        return list(whose.values_list("planet_id", "planet__name").distinct()[:most])


PlanetManager = models.Manager.from_queryset(PlanetQuerySet)
MoonManager = models.Manager.from_queryset(MoonQuerySet)
