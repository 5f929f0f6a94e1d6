"""Puts the solar system's data into a database, and never takes anything out of one."""

from dataclasses import dataclass
from typing import Any

from django.db import models

from .solar_system import MOONS, PLANETS


@dataclass(frozen=True)
class Seeded:
    """How many rows the seeding added or completed."""

    planets_added: int = 0
    planets_completed: int = 0
    moons_added: int = 0


def seed(planet_model: type[Any], moon_model: type[Any]) -> Seeded:
    """Fill in what is missing.

    An empty table gets the eight planets under the ids 1 to 8. In any other table the planets
    keep their ids, and those known by name get the facts that they lack; a value that is there,
    and a planet with an unknown name, stay as they are. Models may be a migration's historical
    ones, which lack the columns of later migrations.
    """
    if not planet_model.objects.exists():
        fields = _fields(planet_model)
        planet_model.objects.bulk_create(
            planet_model(id=planet_id, **{f: v for f, v in facts.items() if f in fields})
            for planet_id, facts in enumerate(PLANETS, start=1)
        )
        added, completed = len(PLANETS), 0
    else:
        added, completed = 0, sum(_complete(planet_model, facts) for facts in PLANETS)
    return Seeded(added, completed, _add_moons(planet_model, moon_model))


def _complete(planet_model: type[Any], facts: dict[str, Any]) -> int:
    """Complete the planets of this name; returns how many changed."""
    fields = _fields(planet_model)
    changed = 0
    for planet in planet_model.objects.filter(name__iexact=facts["name"]):
        lacking = {
            field: value
            for field, value in facts.items()
            if field in fields
            and getattr(planet, field) != value
            and _is_blank(getattr(planet, field), fields[field])
        }
        for field, value in lacking.items():
            setattr(planet, field, value)
        if lacking:
            planet.save(update_fields=[*lacking])
            changed += 1
    return changed


def _is_blank(value: object, field: "models.Field[Any, Any]") -> bool:
    return value in (None, "") or (field.has_default() and value == field.get_default())


def _add_moons(planet_model: type[Any], moon_model: type[Any]) -> int:
    """Add the moons that a planet known by name does not have yet; returns how many."""
    known = {(moon.planet_id, moon.name.casefold()) for moon in moon_model.objects.all()}
    planets = list(planet_model.objects.all())
    fields = _fields(moon_model)
    missing = [
        moon_model(
            planet=planet, **{f: v for f, v in facts.items() if f != "planet" and f in fields}
        )
        for facts in MOONS
        for planet in planets
        if planet.name.casefold() == str(facts["planet"]).casefold()
        and (planet.pk, str(facts["name"]).casefold()) not in known
    ]
    moon_model.objects.bulk_create(missing)
    return len(missing)


def _fields(model: type[Any]) -> "dict[str, models.Field[Any, Any]]":
    return {field.name: field for field in model._meta.fields}
