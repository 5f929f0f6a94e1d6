"""The facts of one planet in words."""

from dataclasses import dataclass

from ..facts import BODY, BY_FIELD, FACTS, GROUPS, TRAITS
from ..models import Planet


@dataclass(frozen=True)
class Shown:
    label: str
    text: str
    help: str
    times_earth: str = ""


def shown(planet: Planet, field: str) -> Shown:
    fact, value = BY_FIELD[field], getattr(planet, field)
    return Shown(fact.label, fact.text(value), fact.help, fact.times_earth(value))


def grouped(planet: Planet) -> dict[str, list[Shown]]:
    """Every fact of a planet, by group; the traits close the first one."""
    groups = {
        group: [shown(planet, fact.field) for fact in FACTS if fact.group == group]
        for group in GROUPS
    }
    groups[BODY] += [Shown(t.label, t.text(getattr(planet, t.field)), t.help) for t in TRAITS]
    return groups
