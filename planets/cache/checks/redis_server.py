"""What the Redis server does, and what it says of itself, asked where a deployment is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from ..instruments.nodes import asking
from ..instruments.server import Server, server
from ..storage.client import client
from ..storage.errors import FAILURES, Misconfigured, Unavailable
from . import canary
from .caches import no_redis

REDIS = "redis"  # the tag of the checks that ask it


@register(REDIS, deploy=True)
def check_redis(**kwargs: Any) -> list[CheckMessage]:
    try:
        if no_redis(conf()):
            return []  # check_settings tells
        with asking() as redis:
            found = {at: _prove(at, place) for at, place in canary.places(redis)}
        told = list(by_node(found))
        if any(message.id == "cache_aside.E015" for message in told):
            return told  # of whoever is there there is nothing more to ask
        return [*told, *of_servers(server())]
    except Misconfigured as error:
        hint = "Nothing is cached. What may stand in CACHES is told by the documentation of "
        return [Error(f"{error}.", hint=f"{hint}django-redis.", id="cache_aside.E008")]
    except Unavailable as error:
        redis = None
        with suppress(Unavailable, *FAILURES):
            redis = client.redis()
        if wrong := canary.misaddressed(redis, error.__cause__):
            return [wrong]
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


def _prove(address: str, place: canary.Place) -> list[CheckMessage]:
    try:
        return [*canary.prove(place)]
    except FAILURES as error:
        if not place.is_node:
            raise
        away = Error(
            f"A node of the Redis Cluster is not reachable, {address}: {error}",
            hint="What lies there comes from the database meanwhile. Is it up, may this machine "
            "reach it?",
            id="cache_aside.E014",
        )
        return [away]


def by_node(found: Mapping[str, Sequence[CheckMessage]]) -> Iterator[CheckMessage]:
    """What all nodes of a cluster have in common, once; the rest with the nodes that have it."""
    together: dict[tuple[Any, Any], tuple[CheckMessage, list[str]]] = {}
    for address, messages in found.items():
        for message in messages:
            together.setdefault((message.id, message.hint), (message, []))[1].append(address)
    for message, addresses in together.values():
        if len(addresses) == len(found) or addresses[0] in message.msg:
            yield message
        else:
            told = f"Node {', '.join(addresses)} of the cluster: {message.msg}"
            yield CheckMessage(message.level, told, message.hint, id=message.id)


def of_servers(found: Server) -> Iterator[CheckMessage]:
    """What each server says of itself, and in what they differ."""
    yield from by_node({part.address: [*of_server(part)] for part in found.each})
    if found.version and "," in found.version:
        yield Warning(
            f"The nodes of the cluster are of different versions: {found.version}.",
            hint="In an upgrade that is as it must be; after it, upgrade the others too, for what "
            "one refuses the others do.",
            id="cache_aside.W013",
        )


def of_server(found: Server) -> Iterator[CheckMessage]:
    if found.max_memory is None or found.policy is None:
        return  # it does not tell, of which the canary has told
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
