"""What else in the project's settings the cache depends on: databases, middleware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf

TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
# These may answer, or fetch, before the toolbar has begun to listen.
AFTER_TOOLBAR = (
    f"{__package__.rpartition('.')[0]}.",
    "django.middleware.cache.FetchFromCacheMiddleware",
)


@register(Tags.caches)
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    return [*isolation(settings.DATABASES), *replicas(settings.DATABASES)]


def replicas(databases: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """What SAME_AS says that cannot be."""
    try:
        same = conf().SAME_AS
    except ImproperlyConfigured:
        return  # check_settings tells
    for replica, primary in same.items():
        wrong = [alias for alias in (replica, primary) if alias not in databases]
        if wrong or primary in same:
            why = f"{wrong[0]!r} is no alias in DATABASES" if wrong else "that is a replica itself"
            yield Error(
                f"CACHE_ASIDE['SAME_AS'] says that {replica!r} is {primary!r}, and {why}.",
                hint="Give each replica the alias of the primary that it follows.",
                id="cache_aside.E011",
            )


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
