"""Synthetic planets: any number of rows to measure with, always the same, easily removed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..models import Planet

BATCH = 2_000  # rows of one INSERT
# What tells them from planets that somebody entered.
MARK = "A synthetic planet, made by make_planets."
KINDS = ("terrestrial", "gas-giant", "ice-giant")


def synthetic(number: int) -> Planet:
    """Planet `number` of all synthetic ones: the same in each database and each run."""
    chance = random.Random(number)  # noqa: S311
    radius = round(chance.lognormvariate(9, 1), 1)
    density = round(chance.uniform(600, 6000), 1)
    return Planet(
        name=f"Synthetic {number}",
        kind=chance.choice(KINDS),
        mass=round(4.19e9 * radius**3 * density / 1e24, 4),
        radius=radius,
        density=density,
        gravity=round(2.8e-7 * radius * density, 2),
        day_length=round(chance.uniform(8, 3000), 1),
        distance=round(chance.lognormvariate(6, 1.5), 1),
        orbital_period=round(chance.lognormvariate(7, 2), 1),
        mean_temperature=round(chance.uniform(-220, 470), 1),
        has_rings=chance.random() < 0.3,
        has_magnetic_field=chance.random() < 0.6,
        description=MARK,
        colour=f"#{chance.randrange(1 << 24):06x}",
        accent=f"#{chance.randrange(1 << 24):06x}",
    )


def present() -> int:
    """How many there are."""
    return Planet.objects.filter(description=MARK).count()


def make(wanted: int) -> Iterator[int]:
    """Add those that are missing of the first `wanted`; yields how many each batch added."""
    names = Planet.objects.filter(description=MARK).values_list("name", flat=True)
    known = {int(name.rpartition(" ")[2]) for name in names}
    missing = [number for number in range(1, wanted + 1) if number not in known]
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        Planet.objects.bulk_create(map(synthetic, batch))
        yield len(batch)


def remove() -> Iterator[int]:
    """Delete all; yields how many each batch deleted."""
    while True:
        pks = list(Planet.objects.filter(description=MARK).values_list("pk", flat=True)[:BATCH])
        if not pks:
            return
        Planet.objects.filter(pk__in=pks).delete()
        yield len(pks)
