"""The facts of one planet in words. What is not known of it is left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..data.solar_system import PLANETS
from ..facts import BODY, BY_FIELD, DISCOVERY, FACTS, GROUPS, MISSING, TRAITS
from ..models import Planet

WITHOUT_SURFACE = {Planet.Kind.GAS_GIANT, Planet.Kind.ICE_GIANT, Planet.Kind.NEPTUNE_LIKE}
SHEET = {str(facts["name"]).casefold(): facts for facts in PLANETS}
ON_SHEET = {*BY_FIELD, *(trait.field for trait in TRAITS)}  # its names and colours are ours
OF_THE_SUN = ("", "Sun")  # what its planets have for their star


@dataclass(frozen=True)
class Source:
    name: str
    address: str


FACT_SHEET = Source(
    "NASA's Planetary Fact Sheet", "https://nssdc.gsfc.nasa.gov/planetary/factsheet/"
)
CATALOGUES = {
    Planet.Source.NASA: Source(
        "NASA Exoplanet Archive", "https://exoplanetarchive.ipac.caltech.edu/"
    ),
    Planet.Source.OPEN: Source(
        "Open Exoplanet Catalogue", "https://github.com/OpenExoplanetCatalogue/oec_tables"
    ),
}


@dataclass(frozen=True)
class Shown:
    label: str
    text: str
    help: str = ""
    times_earth: str = ""
    source: Source | None = None


def label(field: str) -> str:
    return BY_FIELD[field].label if field in BY_FIELD else "year of discovery"


def shown(planet: Planet, field: str) -> Shown:
    fact, value = BY_FIELD[field], getattr(planet, field)
    text = fact.text(value)
    if value is None and field == "surface_pressure" and planet.kind in WITHOUT_SURFACE:
        text = "no surface"
    # Of the Earth itself that it is once the Earth is no news.
    times_earth = "" if on_sheet(planet) is SHEET["earth"] else fact.times_earth(value)
    return Shown(fact.label, text, fact.help, times_earth, source_of(planet, field))


def known(planet: Planet, fields: Iterable[str]) -> list[Shown]:
    facts = [shown(planet, field) for field in fields]
    return [fact for fact in facts if fact.text != MISSING]


def on_card(planet: Planet, fields: Iterable[str], *, sorted_by: str) -> list[Shown]:
    """Those that are known, and the one sorted by in any case: it says why the card is there."""
    return [
        fact
        for fact in (shown(planet, field) for field in fields)
        if fact.text != MISSING or (sorted_by in BY_FIELD and fact.label == label(sorted_by))
    ]


def grouped(planet: Planet) -> dict[str, list[Shown]]:
    """Every fact that is known of a planet, by group; no group without one."""
    groups = {
        group: known(planet, (fact.field for fact in FACTS if fact.group == group))
        for group in GROUPS
    }
    groups[BODY] += [
        Shown(trait.label, trait.text(value), trait.help, source=source_of(planet, trait.field))
        for trait in TRAITS
        if (value := getattr(planet, trait.field)) is not None
    ]
    words = (
        ("host star", "star", planet.star),
        ("year of discovery", "discovery_year", planet.discovery_year or ""),
        ("found by", "discovery_method", planet.get_discovery_method_display()),
    )
    groups[DISCOVERY] += [
        Shown(name, str(text), source=source_of(planet, field))
        for name, field, text in words
        if text
    ]
    return {group: facts for group, facts in groups.items() if facts}


def on_sheet(planet: Planet) -> dict[str, Any]:
    """The planet's line of the fact sheet: by its place, where an editor has renamed it."""
    if facts := SHEET.get(planet.name.casefold()):
        return facts
    place = planet.position or 0
    ours = planet.star in OF_THE_SUN and 1 <= place <= len(PLANETS)
    return PLANETS[place - 1] if ours else {}


def source_of(planet: Planet, field: str) -> Source | None:
    """Where a value stands as it is here; None for what an editor wrote."""
    value = getattr(planet, field)
    if value in (None, ""):
        return None
    if on_sheet(planet).get(field) == value:
        return FACT_SHEET if field in ON_SHEET else None
    return CATALOGUES.get(Planet.Source(planet.source)) if _as_imported(planet, field) else None


def _as_imported(planet: Planet, field: str) -> bool:
    return bool(planet.source) and field in planet.sourced.split(",")


def sources(planet: Planet) -> list[Source]:
    """Where the facts of a planet stand, each source once."""
    found = (fact.source for facts in grouped(planet).values() for fact in facts)
    return list(dict.fromkeys(source for source in found if source))
