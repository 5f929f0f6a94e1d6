"""Planets by id, read from their `planet:<id>` hashes."""

from __future__ import annotations

from collections.abc import Iterable

from .models import Planet


def planet(planet_id: int) -> Planet | None:
    """The planet of this id, or None: one round trip to Redis where its hash is there."""
    return Planet.records.get(planet_id)


def planets(planet_ids: Iterable[int]) -> dict[int, Planet]:
    """The planets that exist, by id, in the order asked: one round trip for all."""
    return Planet.records.get_many(planet_ids)
