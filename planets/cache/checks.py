"""System checks: what would make the cache useless, unsafe or slow, each with what to do.

`manage.py check` asks the settings alone, so it neither needs Redis nor waits for it; so do the
checks that runserver, migrate and the tests begin with. What asks Redis runs when a deployment is
checked: `manage.py check --deploy`, or alone, `check --deploy --tag redis`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django_redis.cache import RedisCache
from redis.connection import parse_url

from .conf import Conf, conf
from .instruments.server import Server, server
from .storage.errors import Misconfigured, Unavailable, is_forbidden
from .storage.gates import GATE_MS

REDIS = "redis"  # the tag of the checks that ask it
OLDEST = 5  # major version; scripts that call TIME before they write need effects replication
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
# These may answer, or fetch, before the toolbar has begun to listen.
AFTER_TOOLBAR = (f"{__package__}.", "django.middleware.cache.FetchFromCacheMiddleware")


@register(Tags.caches)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    try:
        found = conf()
    except ImproperlyConfigured as error:
        hint = "README has every name with its rule, and so has conf.py of the cache's app."
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


@register(REDIS, deploy=True)
def check_redis(**kwargs: Any) -> list[CheckMessage]:
    try:
        if no_redis(conf()):
            return []  # check_settings tells
        return list(of_server(server()))
    except Misconfigured as error:
        hint = "Nothing is cached. What may stand in CACHES is told by the documentation of "
        return [Error(f"{error}.", hint=f"{hint}django-redis.", id="cache_aside.E008")]
    except Unavailable as error:
        if is_forbidden(error.__cause__):
            return list(without_info())
        return [
            Error(
                f"Redis is not reachable: {error}",
                hint="Pages load from the database meanwhile. Is its address in CACHES right, is "
                "it up, may this machine reach it?",
                id="cache_aside.E004",
            )
        ]
    except ImproperlyConfigured:
        return []  # check_settings tells


def without_info() -> Iterator[CheckMessage]:
    """Redis forbids INFO, by which it would also tell all else that is checked here."""
    yield Warning(
        "Redis does not tell which run it is: it forbids INFO.",
        hint="It may have forgotten invalidations since the last connection, so each new one makes "
        "all that is cached unreachable. Permit it: ACL SETUSER <user> +info.",
        id="cache_aside.W010",
    )


def of_server(found: Server) -> Iterator[CheckMessage]:
    if found.name == "Redis" and found.major < OLDEST:
        yield Error(
            f"Redis is of version {found.version}, older than {OLDEST}.",
            hint="It refuses the scripts that close gates, so writes invalidate nothing. Upgrade.",
            id="cache_aside.E005",
        )
    if found.role == "slave":
        yield Error(
            "The Redis of CACHE_ASIDE is a replica.",
            hint="It refuses fills and invalidations: use the primary's address.",
            id="cache_aside.E006",
        )
    if not found.max_memory:
        yield Warning(
            "Redis has no maxmemory.",
            hint="It grows until the machine has no memory left. Set maxmemory, and a policy such "
            "as volatile-lfu.",
            id="cache_aside.W006",
        )
    elif found.policy == "noeviction":
        yield Warning(
            "Redis evicts nothing when its memory is full (maxmemory-policy is noeviction).",
            hint="It then refuses to store, and what is not cached yet comes from the database "
            "each time. Use volatile-lfu, volatile-lru or volatile-ttl: every key here has a TTL.",
            id="cache_aside.W007",
        )
    if found.policy.endswith("-random"):
        yield Warning(
            f"Redis evicts at random (maxmemory-policy is {found.policy}).",
            hint="When that hits a gate, all entries of its table are unreachable. Use "
            "volatile-lfu or volatile-lru: gates are asked at each fetch, so they stay.",
            id="cache_aside.W008",
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
