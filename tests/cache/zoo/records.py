"""Stars by id, read from their records."""

from __future__ import annotations

from collections.abc import Iterable

from .models import Star


def star(star_id: int) -> Star | None:
    return Star.records.get(star_id)


def stars(star_ids: Iterable[int]) -> dict[int, Star]:
    return Star.records.get_many(star_ids)


async def astar(star_id: int) -> Star | None:
    return await Star.records.aget(star_id)
