"""What else in the project's settings the cache depends on: databases, middleware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
# These may answer, or fetch, before the toolbar has begun to listen.
AFTER_TOOLBAR = (
    f"{__package__.rpartition('.')[0]}.",
    "django.middleware.cache.FetchFromCacheMiddleware",
)


@register(Tags.caches)
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    return list(isolation(settings.DATABASES))


def isolation(databases: Mapping[str, Mapping[str, Any]]) -> Iterator[CheckMessage]:
    """MySQL's databases where the cache must keep out of transactions, or of everything."""
    for alias, database in databases.items():
        if not str(database.get("ENGINE")).endswith(".mysql"):  # Django's, or one made of it
            continue
        level = database.get("OPTIONS", {}).get("isolation_level", "read committed")
        level = (level or "left to the server").lower()
        if level == "read committed":
            continue
        idle = "nothing is" if level == "read uncommitted" else "no transaction's reads are"
        yield Warning(
            f"The isolation level of DATABASES[{alias!r}] is {level}: {idle} cached.",
            hint="What may be an old snapshot, or rolled back, must not be cached. Set "
            "OPTIONS['isolation_level'] to 'read committed', Django's default.",
            id="cache_aside.W004",
        )


@register(Tags.caches)
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    return list(toolbar(settings.MIDDLEWARE))


def toolbar(middleware: Sequence[str]) -> Iterator[CheckMessage]:
    before = middleware[: middleware.index(TOOLBAR)] if TOOLBAR in middleware else ()
    for name in before:
        if name.startswith(AFTER_TOOLBAR):
            yield Warning(
                f"{name} stands before the debug toolbar in MIDDLEWARE.",
                hint="The toolbar does not see what is fetched there: put it first.",
                id="cache_aside.W005",
            )
