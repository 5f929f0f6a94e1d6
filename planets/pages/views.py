from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from .. import records
from ..cache import cached_page
from ..facts import BY_FIELD
from ..listing import PAGE
from ..managers import BRIEF_TTL
from ..models import Moon, Planet
from . import chooser, comparison, factsheet, orbits, pictures
from .forms import MOST_CHOICES, MoonFilter, PlanetFilter

STALE_IF_ERROR = settings.CACHE_STALE_IF_ERROR  # not of comparisons: there are very many
IN_ORDER = {"sort": "position", "descending": False}  # what `leaf` of all planets is asked for
CARD_FACTS = ("radius", "distance", "day_length")
SUGGESTED = 12  # planets to go on with, where there is none of the number asked for


@cached_page(
    query=("q", "kind", "method", "star", "year", "sort", "order", "page"),
    stale_if_error=STALE_IF_ERROR,
)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    chosen = PlanetFilter(request.GET)
    criteria = chosen.criteria()
    facets = criteria.keys() - {"sort", "descending"}
    everything = Planet.objects.counts()
    # All planets fit a page, so those that match do.
    small = everything if everything.total <= PAGE else None
    if facets:
        leaf = Planet.objects.leaf(chosen.number, counts=small, **criteria)
    else:
        usual = criteria.get("sort", "position") == "position"
        leaf = Planet.objects.leaf(
            chosen.number, counts=small or (everything if usual else None), **criteria
        )
    # What does not match is dimmed where all fit in the picture, and else is not in it.
    dimmed = small and {**IN_ORDER, **criteria} != IN_ORDER
    drawn = Planet.objects.leaf(1, counts=small).rows if dimmed else leaf.rows
    sort = criteria.get("sort", "")
    card_facts = [*CARD_FACTS, *({sort} & BY_FIELD.keys() - {*CARD_FACTS})]
    scene = pictures.scene(drawn, sun=_are_the_suns(drawn, all_of_them=bool(small)))
    response = render(
        request,
        "planets/home.html",
        {
            "form": chosen,
            "everything": everything.total,
            "leaf": leaf,
            "pages": chooser.pages(leaf, chosen.query),
            "scene": scene,
            "globes": {planet.pk: pictures.globe(planet) for planet in [*drawn, *leaf.rows]},
            "matching": {planet.pk for planet in leaf.rows},
            "cards": [
                {
                    "planet": planet,
                    "globe": pictures.globe(planet),
                    "facts": factsheet.on_card(planet, card_facts, sorted_by=sort),
                }
                for planet in leaf.rows
            ],
            "sorted_by": factsheet.label(sort) if sort not in ("", "position", "name") else "",
            "canonical": reverse("planets:home") + chosen.query(leaf.number),
        },
    )
    return _kept(response, if_=chosen.is_one_of_few(request.META["QUERY_STRING"]))


@cached_page(statuses={200: None, 404: None}, stale_if_error=STALE_IF_ERROR)
@require_safe
def planet(request: HttpRequest, planet_id: int) -> HttpResponse:
    there = Planet.objects.present([planet_id])
    found = records.planet(planet_id) if there else None
    if found is None:
        context = {"planet_id": planet_id, "some": Planet.objects.leaf(1).rows[:SUGGESTED]}
        return render(request, "planets/no_planet.html", context, status=404)
    system = list(Planet.objects.system(found))
    previous, following = _neighbours(found, system)
    return render(
        request,
        "planets/planet.html",
        {
            "planet": found,
            "globe": pictures.globe(found),
            "groups": factsheet.grouped(found),
            "headlines": factsheet.known(found, ("radius", "day_length", "orbital_period")),
            "sources": factsheet.sources(found),
            "orbits": orbits.chart(found, system),
            "moons": list(Moon.objects.of(found.pk)),
            "previous": previous,
            "next": following,
            "compare_with": [other.pk for other in (previous, following) if other],
            "canonical": found.get_absolute_url(),
        },
    )


@cached_page(ttl=BRIEF_TTL, query=("planets", "q", "sort", "order", "scale"))
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    values = request.GET.getlist("planets")
    choice = comparison.parse(values)
    options = chooser.Options(request.GET)
    here = reverse("planets:compare")
    if len(values) > 1 and choice.ids and not choice.problems:
        # A form's boxes come as planets=3&planets=5; the address to share is the short one.
        return redirect(f"{here}{options.query(choice)}")
    there = Planet.objects.present(choice.ids) if choice.ids else set()
    found = records.planets(planet_id for planet_id in choice.ids if planet_id in there)
    unknown = [planet_id for planet_id in choice.ids if planet_id not in found]
    problems = [
        *choice.problems,
        *(f"There is no planet number {n}." for n in unknown),
        *options.problems,
    ]
    planets = comparison.ordered(list(found.values()), options.sort, options.descending)
    response = render(
        request,
        "planets/compare.html",
        {
            "planets": planets,
            "choice": choice,
            "candidates": chooser.candidates(options.search, found),
            "scene": pictures.scene(planets, sun=False),
            "globes": {planet.pk: pictures.globe(planet) for planet in planets},
            "rows": comparison.compare(planets, logarithmic=options.logarithmic),
            "options": options,
            "problems": problems,
            "canonical": here + (f"?{urlencode({'planets': choice}, safe=',')}" if found else ""),
        },
    )
    return _kept(response, if_=not problems and not options.search)


@cached_page(query=("q", "planet", "sort", "order", "page"), stale_if_error=STALE_IF_ERROR)
@require_safe
def moons(request: HttpRequest) -> HttpResponse:
    chosen = MoonFilter(request.GET, Moon.objects.planets(MOST_CHOICES + 1))
    criteria = chosen.criteria()
    leaf = Moon.objects.leaf(chosen.number, **criteria)
    largest = max((moon.radius or 0 for moon in leaf.rows), default=0)
    response = render(
        request,
        "planets/moons.html",
        {
            "form": chosen,
            "leaf": leaf,
            "pages": chooser.pages(leaf, chosen.query),
            "filtered": bool(criteria.keys() - {"sort", "descending"}),
            "moons": [
                (moon, 100 * (moon.radius or 0) / largest if largest else 0) for moon in leaf.rows
            ],
            "canonical": reverse("planets:moons") + chosen.query(leaf.number),
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


def _are_the_suns(planets: list[Planet], *, all_of_them: bool) -> bool:
    """Whether the Sun stands beside these in the picture: they begin with those in its order."""
    return bool(planets) and bool(all_of_them or planets[0].position)


def _neighbours(planet: Planet, system: list[Planet]) -> tuple[Planet | None, Planet | None]:
    """The planets before and after, from their star outwards."""
    ids = [other.pk for other in system]
    if planet.pk not in ids:  # moved or deleted between the two reads, or beyond what is shown
        return None, None
    place = ids.index(planet.pk)
    return (
        system[place - 1] if place else None,
        system[place + 1] if place + 1 < len(system) else None,
    )
