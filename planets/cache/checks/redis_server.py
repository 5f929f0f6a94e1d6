"""What the Redis server does, and what it says of itself, asked where a deployment is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from ..instruments.nodes import asking
from ..instruments.server import Server, server
from ..storage.errors import Misconfigured, Unavailable, is_forbidden
from . import canary
from .caches import no_redis

REDIS = "redis"  # the tag of the checks that ask it


@register(REDIS, deploy=True)
def check_redis(**kwargs: Any) -> list[CheckMessage]:
    try:
        if no_redis(conf()):
            return []  # check_settings tells
        with asking() as redis:
            found = list(canary.prove(redis))
        return [*found, *_of_server_if_told()]
    except Misconfigured as error:
        hint = "Nothing is cached. What may stand in CACHES is told by the documentation of "
        return [Error(f"{error}.", hint=f"{hint}django-redis.", id="cache_aside.E008")]
    except Unavailable as error:
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


def _of_server_if_told() -> Iterator[CheckMessage]:
    try:
        yield from of_server(server())
    except Unavailable as error:
        if not is_forbidden(error.__cause__):  # which the canary has told
            raise


def of_server(found: Server) -> Iterator[CheckMessage]:
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
