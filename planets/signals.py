"""What goes stale when a planet or a moon is saved or deleted: the only statement of it.

Nearly all of it is done by the statement itself, whoever ran it: each write moves the generation of
the tables that it names, and a planet's row written by its id takes `planet:<id>` with it. What is
stated here is what the models promise on top, whatever way they were saved.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .cache.invalidation import saved
from .models import Moon, Planet


@receiver(post_save, sender=Planet)
def planet_saved(
    instance: Planet, using: str, created: bool, update_fields: Any, **kwargs: Any
) -> None:
    """The hash `planet:<id>` and all queries on planets."""
    saved(instance, using, created=created, update_fields=update_fields)
    Planet.records.saved(instance.pk, using)


@receiver(post_delete, sender=Planet)
def planet_deleted(instance: Planet, using: str, **kwargs: Any) -> None:
    """The hash `planet:<id>` and all queries on planets."""
    saved(instance, using)


@receiver([post_save, post_delete], sender=Moon)
def moon_changed(instance: Moon, using: str, **kwargs: Any) -> None:
    """All queries on moons; a planet's hash holds nothing of its moons."""
    saved(instance, using)
