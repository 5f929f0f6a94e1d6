"""What the Redis server itself says, asked where a deployment is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from ..instruments.server import Server, server
from ..storage.errors import Misconfigured, Unavailable, is_forbidden
from .caches import no_redis

REDIS = "redis"  # the tag of the checks that ask it
OLDEST = 5  # major version; scripts that call TIME before they write need effects replication


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
