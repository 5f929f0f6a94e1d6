from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from .. import records
from ..cache import cached_page
from ..facts import BY_FIELD
from ..managers import BRIEF_TTL
from ..models import Moon, Planet
from . import comparison, factsheet, pictures
from .forms import MoonFilter, PlanetFilter

STALE_IF_ERROR = settings.CACHE_STALE_IF_ERROR  # not of comparisons: there are very many
IN_ORDER = {"sort": "position", "descending": False}  # what `listed` of all planets is asked for
CARD_FACTS = ("radius", "distance", "day_length")


@cached_page(query=("q", "kind", "sort", "order"), stale_if_error=STALE_IF_ERROR)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    chosen = PlanetFilter(request.GET)
    criteria = chosen.criteria()
    all_planets = list(Planet.objects.in_order())
    planets = all_planets
    if {**IN_ORDER, **criteria} != IN_ORDER:
        planets = list(Planet.objects.listed(**criteria))
    sort = criteria.get("sort", "")
    card_facts = [*CARD_FACTS, *({sort} & BY_FIELD.keys() - {*CARD_FACTS})]
    response = render(
        request,
        "planets/home.html",
        {
            "form": chosen,
            "all_planets": all_planets,
            "scene": pictures.scene(all_planets, sun=True),
            "matching": {planet.pk for planet in planets},
            "cards": [
                {
                    "planet": planet,
                    "globe": pictures.globe(planet),
                    "facts": [factsheet.shown(planet, field) for field in card_facts],
                }
                for planet in planets
            ],
            "sorted_by": BY_FIELD[sort].label if sort in BY_FIELD else "",
        },
    )
    return _kept(response, if_=chosen.is_one_of_few(request.META["QUERY_STRING"]))


@cached_page(statuses={200: None, 404: None}, stale_if_error=STALE_IF_ERROR)
@require_safe
def planet(request: HttpRequest, planet_id: int) -> HttpResponse:
    all_planets = list(Planet.objects.in_order())
    found = records.planet(planet_id) if planet_id in _ids(all_planets) else None
    if found is None:
        context = {"planet_id": planet_id, "all_planets": all_planets}
        return render(request, "planets/no_planet.html", context, status=404)
    previous, following = _neighbours(found, all_planets)
    return render(
        request,
        "planets/planet.html",
        {
            "planet": found,
            "globe": pictures.globe(found),
            "groups": factsheet.grouped(found),
            "headlines": [
                factsheet.shown(found, f) for f in ("radius", "day_length", "orbital_period")
            ],
            "moons": list(Moon.objects.of(found.pk)),
            "previous": previous,
            "next": following,
            "compare_with": [other.pk for other in (previous, following) if other],
        },
    )


@cached_page(ttl=BRIEF_TTL, query=("planets",))
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    values = request.GET.getlist("planets")
    choice = comparison.parse(values)
    if len(values) > 1 and choice.ids and not choice.problems:
        # A form's boxes come as planets=3&planets=5; the address to share is the short one.
        return redirect(f"{reverse('planets:compare')}?planets={choice}")
    all_planets = list(Planet.objects.in_order())
    there = _ids(all_planets)
    found = records.planets(planet_id for planet_id in choice.ids if planet_id in there)
    unknown = [planet_id for planet_id in choice.ids if planet_id not in found]
    planets = list(found.values())
    problems = [*choice.problems, *(f"There is no planet number {n}." for n in unknown)]
    response = render(
        request,
        "planets/compare.html",
        {
            "planets": planets,
            "chosen": set(found),
            "all_planets": all_planets,
            "scene": pictures.scene(planets, sun=False),
            "rows": comparison.compare(planets),
            "problems": problems,
        },
    )
    return _kept(response, if_=not problems)


@cached_page(query=("q", "planet", "sort", "order"), stale_if_error=STALE_IF_ERROR)
@require_safe
def moons(request: HttpRequest) -> HttpResponse:
    chosen = MoonFilter(request.GET, list(Planet.objects.in_order()))
    found = list(Moon.objects.listed(**chosen.criteria()))
    largest = max((moon.radius or 0 for moon in found), default=0)
    response = render(
        request,
        "planets/moons.html",
        {
            "form": chosen,
            "moons": [
                (moon, 100 * (moon.radius or 0) / largest if largest else 0) for moon in found
            ],
        },
    )
    return _kept(response, if_=chosen.is_one_of_few(request.META["QUERY_STRING"]))


def _kept(response: HttpResponse, *, if_: bool) -> HttpResponse:
    """Keep a page for others where its address is one of a limited number, which all may ask for:
    of those that a stranger can make up without end, nothing is stored.
    """
    if not if_:
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _ids(planets: list[Planet]) -> set[int]:
    """The ids that there are. Only these are read as records: of any other the cache would keep its
    absence, and a stranger can name four thousand million.
    """
    return {planet.pk for planet in planets}


def _neighbours(planet: Planet, all_planets: list[Planet]) -> tuple[Planet | None, Planet | None]:
    """The planets before and after, from the Sun outwards."""
    ids = [other.pk for other in all_planets]
    if planet.pk not in ids:  # added or deleted between the two reads
        return None, None
    place = ids.index(planet.pk)
    return (
        all_planets[place - 1] if place else None,
        all_planets[place + 1] if place + 1 < len(all_planets) else None,
    )
