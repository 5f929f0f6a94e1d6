"""Planets by their ids."""

from collections.abc import Iterable

from .models import Planet


def planet(planet_id: int) -> Planet | None:
    return planets([planet_id]).get(planet_id)


def planets(planet_ids: Iterable[int]) -> dict[int, Planet]:
    """The planets that exist, by id, in the order asked for."""
    wanted = list(planet_ids)
    found = Planet.objects.in_bulk(wanted)
    return {planet_id: found[planet_id] for planet_id in wanted if planet_id in found}
