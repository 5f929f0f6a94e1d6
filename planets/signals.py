"""Model signals, handed on to `invalidation`."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from . import invalidation
from .models import Moon, Planet


@receiver(post_save, sender=Planet)
def planet_saved(instance: Planet, using: str, created: bool, **kwargs: Any) -> None:
    invalidation.planet_saved(instance, using, created=created)


@receiver(post_delete, sender=Planet)
def planet_deleted(instance: Planet, using: str, **kwargs: Any) -> None:
    invalidation.planet_deleted(instance, using)


@receiver([post_save, post_delete], sender=Moon)
def moon_changed(instance: Moon, using: str, **kwargs: Any) -> None:
    invalidation.moon_changed(instance, using)
