"""What CACHE_ASIDE and CACHES say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django_redis.cache import RedisCache
from redis.connection import parse_url

from ..conf import Conf, conf
from ..storage.gates import GATE_MS


@register(Tags.caches)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    try:
        found = conf()
    except ImproperlyConfigured as error:
        hint = "docs/settings.md has every name with its default, and conf.py of the app its rule."
        return [Error(str(error), hint=hint, id="cache_aside.E001")]
    if wrong := no_redis(found):
        if found.ENABLED:
            return [wrong]
        # Meant so, as in tests that run without Redis; not where others share the database.
        return [
            Warning(
                wrong.msg,
                hint="CACHE_ASIDE['ENABLED'] is False, so nothing is cached here; but what this "
                "process writes leaves old entries in the cache of others.",
                id="cache_aside.W009",
            )
        ]
    return [*ttls(found), *pickles(found)]


def no_redis(found: Conf) -> CheckMessage | None:
    """What is wrong with the cache that CACHE_ASIDE names."""
    if found.REDIS not in settings.CACHES:
        return Error(
            f"CACHE_ASIDE['REDIS'] is {found.REDIS!r}, which is no alias in CACHES.",
            hint=f"Name one of {', '.join(map(repr, settings.CACHES))}.",
            id="cache_aside.E002",
        )
    if not _is_django_redis(settings.CACHES[found.REDIS]):
        return Error(
            f"CACHES[{found.REDIS!r}] is not a cache of django-redis.",
            hint="The layer takes its connections from there: set BACKEND to "
            "'django_redis.cache.RedisCache'. To run without Redis, set CACHE_ASIDE['ENABLED'] "
            "to False.",
            id="cache_aside.E003",
        )
    return None


def ttls(found: Conf) -> Iterator[CheckMessage]:
    if found.TTL * 1000 > GATE_MS:
        yield Warning(
            f"CACHE_ASIDE['TTL'] is {found.TTL!r} seconds, longer than the gates live.",
            hint=f"What outlives its gate is unreachable: use {GATE_MS // 1000} or less.",
            id="cache_aside.W001",
        )
    if found.ABSENT_TTL > found.TTL:
        yield Warning(
            f"CACHE_ASIDE['ABSENT_TTL'] is {found.ABSENT_TTL!r}, more than TTL, {found.TTL!r}.",
            hint="An absence is kept for the shorter of the two; say so, or raise TTL.",
            id="cache_aside.W002",
        )


def pickles(found: Conf) -> Iterator[CheckMessage]:
    """Caches in our database of Redis that unpickle what they find there."""
    ours = _place(settings.CACHES[found.REDIS])
    for alias, cache in settings.CACHES.items():
        if ours and _place(cache) == ours and _unpickles(cache):
            yield Warning(
                f"CACHES[{alias!r}] unpickles what it finds in the Redis database of CACHE_ASIDE.",
                hint="Whoever can write there can run code here, and its clear() takes our entries "
                "along. Set OPTIONS['SERIALIZER'] to "
                "'django_redis.serializers.json.JSONSerializer', or give it a database of its own.",
                id="cache_aside.W003",
            )


def _is_django_redis(cache: dict[str, Any]) -> bool:
    """Its own, or one made of it, as the instrumented one of django-prometheus."""
    try:
        return issubclass(import_string(cache["BACKEND"]), RedisCache)
    except (KeyError, ImportError, TypeError):
        return False


def _unpickles(cache: dict[str, Any]) -> bool:
    options = cache.get("OPTIONS", {})
    if cache.get("BACKEND") == "django.core.cache.backends.redis.RedisCache":
        return "serializer" not in options
    return _is_django_redis(cache) and "pickle" in str(options.get("SERIALIZER", "pickle")).lower()


def _place(cache: dict[str, Any]) -> tuple[Any, ...]:
    """Server and database number of a cache in Redis; () for another cache."""
    location = cache.get("LOCATION", "")
    urls = location.split(",") if isinstance(location, str) else list(location)
    try:
        parts = parse_url(urls[0])
    except (ValueError, IndexError):
        return ()
    host = parts.get("host", "localhost").replace("localhost", "127.0.0.1")
    db = cache.get("OPTIONS", {}).get("db", parts.get("db", 0))
    return host, parts.get("port", 6379), parts.get("path", ""), int(db)
