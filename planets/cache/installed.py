"""The check that the layer hears of writes: its app is installed, its hooks are in place.

The door registers it, for without the app nobody imports the other checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from .orm.queryset import CacheAsideQuerySet
from .records import BY_TABLE
from .writing import hooks

NAMED = 3  # of those who use the cache, in a message


@register(Tags.caches)
def check_installed(**kwargs: Any) -> list[CheckMessage]:
    return list(deaf_to_writes())


def deaf_to_writes() -> Iterator[CheckMessage]:
    """Where writes would not be heard. Asks no database."""
    if not apps.is_installed(__package__):
        if users := [*caching_middleware(), *caching_models()]:
            more = "" if len(users) <= NAMED else f" and {len(users) - NAMED} more"
            yield _error(
                f"{', '.join(users[:NAMED])}{more} would use the cache, and {__package__!r} is not "
                "in INSTALLED_APPS.",
                f"Nothing is cached, as no write would be heard: add {__package__!r} there.",
            )
        return
    if not hooks.is_installed():
        yield _error(
            f"{__package__!r} is in INSTALLED_APPS, and its ready() has not run.",
            "Nothing is cached, as no write would be heard: an AppConfig of your own for it must "
            "call super().ready().",
        )
        return
    for connection in connections.all(initialized_only=True):
        if not hooks.is_watched(connection):
            yield _error(
                f"The connection {connection.alias!r} is open, and not watched.",
                "Nothing that is read over it is cached, and what is written over it leaves old "
                "entries behind: leave its execute_wrappers as they are, and open no connection "
                "in another thread before the apps are ready.",
            )


def caching_middleware() -> list[str]:
    """Our own, in MIDDLEWARE."""
    return [name for name in settings.MIDDLEWARE if name.startswith(f"{__package__}.")]


def caching_models() -> list[str]:
    """The labels of the models that have records, or a manager with cached()."""
    labels = {records.model._meta.label for records in BY_TABLE.values()}
    for model in apps.get_models(include_auto_created=True):
        for manager in model._meta.managers:
            if issubclass(getattr(manager, "_queryset_class", object), CacheAsideQuerySet):
                labels.add(model._meta.label)
    return sorted(labels)


@lru_cache(maxsize=1)
def caching_tables() -> frozenset[str]:
    """The tables of those models, in lower case."""
    models = (apps.get_model(label) for label in caching_models())
    return frozenset(model._meta.db_table.lower() for model in models)


def _error(message: str, hint: str) -> Error:
    return Error(message, hint=hint, id="cache_aside.E007")
