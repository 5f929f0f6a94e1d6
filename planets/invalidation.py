"""What goes stale when a planet or a moon changes: the only statement of it.

Nearly all of it is done by the statement itself, whoever ran it: each write moves the generation of
the tables it names, and a planet's row written by its id takes `planet:<id>` with it. What is
stated here is what the models promise on top, whatever way they were saved.
"""

from __future__ import annotations

from .cache import invalidation
from .models import Moon, Planet
from .records import PLANETS


def planet_saved(planet: Planet, using: str, *, created: bool) -> None:
    """The hash `planet:<id>` and all queries on planets."""
    invalidation.saved(planet, using, created=created)
    PLANETS.saved(planet.pk, using)


def planet_deleted(planet: Planet, using: str) -> None:
    """The hash `planet:<id>` and all queries on planets."""
    invalidation.saved(planet, using)


def moon_changed(moon: Moon, using: str) -> None:
    """All queries on moons; a planet's hash holds nothing of its moons."""
    invalidation.saved(moon, using)
