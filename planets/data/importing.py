"""Puts the rows of a catalogue into the table `planet`, by name: what the importers share.

A row is imported whole or not at all, rows are committed by hundreds, and what stands there already
is left. So an import that was stopped goes on where it is run again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from zlib import crc32

from django.core.exceptions import ValidationError
from django.db import transaction

from ..models import Planet

BATCH = 500
TOLD = 10  # bad rows that are told one by one
FIELDS = (
    *("kind", "mass", "radius", "distance", "orbital_period", "equilibrium_temperature"),
    *("star", "star_distance", "discovery_year", "discovery_method"),
)
# What they are in the units of facts.py.
EARTH_MASS, JUPITER_MASS = 5.9722, 1898.13  # 10²⁴ kg
EARTH_RADIUS, JUPITER_RADIUS = 6378.1, 71_492.0  # km
ASTRONOMICAL_UNIT = 149.5978707  # million km
ZERO_CELSIUS = 273.15  # K


# Colours and accents of planets that nobody has seen, by kind: nearly as those that we know.
LOOKS = {
    Planet.Kind.TERRESTRIAL: ("#c08a62 #7d4f38", "#9f968c #665d55", "#6f93a8 #7b8a5c"),
    Planet.Kind.SUPER_EARTH: ("#a9876f #6b4a3a", "#7fa089 #4f7266", "#8d86a5 #5d5678"),
    Planet.Kind.NEPTUNE_LIKE: ("#7fb2d6 #4f7fb0", "#93c9c4 #5f9c9c", "#8d9be0 #5a67b0"),
    Planet.Kind.GAS_GIANT: ("#d8b48c #9a6242", "#c98f7a #8a4f48", "#cdbf9a #8f7c56"),
}


class BadRow(Exception):
    """Why a row is no planet of ours."""


@dataclass(frozen=True)
class Row:
    """A planet of a catalogue in our units; facts that it does not give are not in `facts`."""

    line: int
    name: str
    facts: Mapping[str, Any]


@dataclass
class Report:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0
    complaints: list[str] = field(default_factory=list)

    def complain(self, line: int, name: str, why: str) -> None:
        self.bad += 1
        if len(self.complaints) < TOLD:
            self.complaints.append(f"line {line}, {name[:40]!r}: {why}")


def measure(text: str | None, factor: float = 1, minus: float = 0) -> float | None:
    """A number in our unit, None where there is none. Raises BadRow."""
    if not text or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        raise BadRow(f"{text[:20]!r} is no number") from None
    if not math.isfinite(value):
        raise BadRow(f"{text[:20]!r} is no finite number")
    return float(f"{value * factor - minus:.7g}")


def kind_of(radius: float | None, mass: float | None) -> str:
    """The kind by size, as it is usual for planets of other stars; by mass without a radius."""
    for value, earth, limits in (
        (radius, EARTH_RADIUS, (1.25, 2, 6)),
        (mass, EARTH_MASS, (2, 10, 50)),
    ):
        if value is not None:
            kinds = (Planet.Kind.TERRESTRIAL, Planet.Kind.SUPER_EARTH, Planet.Kind.NEPTUNE_LIKE)
            for limit, kind in zip(limits, kinds, strict=True):
                if value < limit * earth:
                    return kind
            return Planet.Kind.GAS_GIANT
    return ""


def put(rows: Iterable[Row], source: str, report: Report, *, dry: bool) -> Iterator[int]:
    """Add and complete planets; yields how many rows each batch had. `dry` writes nothing."""
    seen: set[str] = set()
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        with transaction.atomic():
            _put(batch, source, report, seen, dry=dry)
        yield len(batch)


def _put(rows: list[Row], source: str, report: Report, seen: set[str], *, dry: bool) -> None:
    known: dict[str, list[Planet]] = {}
    for planet in Planet.objects.filter(name__in=[row.name for row in rows]):
        known.setdefault(planet.name.casefold(), []).append(planet)
    new, changed = [], []
    for row in rows:
        name = row.name.casefold()
        twins = known.get(name, [])
        if name in seen or len(twins) > 1:
            where = "file" if name in seen else "table"
            report.complain(row.line, row.name, f"the {where} holds this name twice")
            continue
        planet = twins[0] if twins else _new(row)
        names = _take(planet, row, source)
        try:
            planet.clean_fields(
                exclude=[f.name for f in Planet._meta.fields if f.name not in ("name", *names)]
            )
        except ValidationError as error:
            why = "; ".join(f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())
            report.complain(row.line, row.name, why)
            continue
        seen.add(name)
        if not twins:
            report.added += 1
            new.append(planet)
        elif names:
            report.changed += 1
            changed.append(planet)
        else:
            report.unchanged += 1
    if not dry:
        Planet.objects.bulk_create(new)
        for planet in changed:  # one by one, so that each record's signals tell of it
            planet.save()


def _new(row: Row) -> Planet:
    planet = Planet(name=row.name)
    if looks := LOOKS.get(row.facts.get("kind", "")):
        planet.colour, planet.accent = looks[crc32(row.name.encode()) % len(looks)].split()
    return planet


def _take(planet: Planet, row: Row, source: str) -> list[str]:
    """Give a planet what its row says, but for what an editor or another source gave it; which
    fields that changed."""
    ours = set(filter(None, planet.sourced.split(","))) if planet.source == source else set()
    names = []
    for field_name, value in row.facts.items():
        there = getattr(planet, field_name)
        if there not in (None, "") and field_name not in ours:
            continue
        ours.add(field_name)
        if there != value:
            setattr(planet, field_name, value)
            names.append(field_name)
    if names:
        planet.source = source
        planet.sourced = ",".join(name for name in FIELDS if name in ours)
    return names
