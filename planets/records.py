"""Planets by id, read from their `planet:<id>` hashes."""

from __future__ import annotations

from collections.abc import Iterable

from .cache import Records
from .models import Planet

PLANETS = Records(Planet)


def planet(planet_id: int) -> Planet | None:
    """The planet of this id, or None: one round trip to Redis where its hash is there."""
    return PLANETS.get(planet_id)


def planets(planet_ids: Iterable[int]) -> dict[int, Planet]:
    """The planets that exist, by id, in the order asked: one round trip for all."""
    return PLANETS.get_many(planet_ids)


async def aplanet(planet_id: int) -> Planet | None:
    """`planet` for async code."""
    return await PLANETS.aget(planet_id)
