from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from .. import records
from ..cache import cached_page
from ..facts import BY_FIELD
from ..models import Moon, Planet
from . import comparison, factsheet, pictures
from .forms import MoonFilter, PlanetFilter

ABSENT_TTL = 30  # seconds; somebody may be about to add that planet
IN_ORDER = {"sort": "position", "descending": False}  # what `listed` of all planets is asked for
CARD_FACTS = ("radius", "distance", "day_length")


@cached_page(query=("q", "kind", "sort", "order"))
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
    return render(
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


@cached_page(statuses={HTTPStatus.OK: None, HTTPStatus.NOT_FOUND: ABSENT_TTL})
@require_safe
def planet(request: HttpRequest, planet_id: int) -> HttpResponse:
    found = records.planet(planet_id)
    all_planets = list(Planet.objects.in_order())
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


@cached_page(query=("planets",))
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    values = request.GET.getlist("planets")
    choice = comparison.parse(values)
    if len(values) > 1 and choice.ids and not choice.problems:
        # A form's boxes come as planets=3&planets=5; the address to share is the short one.
        return redirect(f"{reverse('planets:compare')}?planets={choice}")
    found = records.planets(choice.ids)
    unknown = [planet_id for planet_id in choice.ids if planet_id not in found]
    planets = list(found.values())
    return render(
        request,
        "planets/compare.html",
        {
            "planets": planets,
            "chosen": set(found),
            "all_planets": list(Planet.objects.in_order()),
            "scene": pictures.scene(planets, sun=False),
            "rows": comparison.compare(planets),
            "problems": [*choice.problems, *(f"There is no planet number {n}." for n in unknown)],
        },
    )


@cached_page(query=("q", "planet", "sort", "order"))
@require_safe
def moons(request: HttpRequest) -> HttpResponse:
    chosen = MoonFilter(request.GET, list(Planet.objects.in_order()))
    found = list(Moon.objects.listed(**chosen.criteria()))
    largest = max((moon.radius or 0 for moon in found), default=0)
    return render(
        request,
        "planets/moons.html",
        {
            "form": chosen,
            "moons": [
                (moon, 100 * (moon.radius or 0) / largest if largest else 0) for moon in found
            ],
        },
    )


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
