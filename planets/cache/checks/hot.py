"""Whether CACHE_ASIDE["HOT"] names columns that there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf


@register(Tags.caches)
def check_hot_columns(**kwargs: Any) -> list[CheckMessage]:
    try:
        given = conf().HOT
    except ImproperlyConfigured:
        return []  # which another check tells
    return list(unknown_columns(dict(given)))


def unknown_columns(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Those that no model has: they change nothing. Asks no database."""
    known: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        columns = known.setdefault(model._meta.db_table.lower(), set())
        columns |= {str(field.column).lower() for field in model._meta.local_concrete_fields}
    for table, names in given.items():
        strange = sorted({name.lower() for name in names} - known.get(table.lower(), set()))
        if strange:
            yield Warning(
                f"CACHE_ASIDE['HOT'][{table!r}] names {', '.join(strange)}, which no model has in "
                "that table.",
                hint="Name the columns of the database, as article.views: a write to any other "
                "column moves the gate of the whole table.",
                id="cache_aside.W012",
            )
