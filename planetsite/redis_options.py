"""What django-redis wants in CACHES for a Redis at an address."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from .certificates import Certificates
from .environment import text
from .redis_address import Address

TIMEOUT = 0.25  # seconds, to connect and for an answer: a page must not wait for its cache


def redis_options(
    address: Address, files: Certificates, sentinel: dict[str, str]
) -> dict[str, Any]:
    """Those of its OPTIONS that are about connections; `sentinel` is the sentinels' own login."""
    options: dict[str, Any] = {"SOCKET_CONNECT_TIMEOUT": TIMEOUT, "SOCKET_TIMEOUT": TIMEOUT}
    pool: dict[str, Any] = files.for_redis()
    if address.kind == "cluster":
        options["CONNECTION_FACTORY"] = "planets.cache.cluster.ClusterConnectionFactory"
    if address.kind == "sentinel":
        pool |= {"ssl": True} if address.tls else {}
        options |= {
            "CLIENT_CLASS": "django_redis.client.SentinelClient",
            "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
            "SENTINELS": address.sentinels,
            "SENTINEL_KWARGS": {
                "socket_connect_timeout": TIMEOUT,
                "socket_timeout": TIMEOUT,
                # By itself, redis-py would ask one that is away for seconds before the next one.
                "retry": Retry(NoBackoff(), 0),
                **pool,
                **sentinel,
            },
        }
        pool = {"service_name": address.service, **pool}  # in the address its capitals are lost
    return {**options, "CONNECTION_POOL_KWARGS": pool}


def sentinel_login(address: Address, user: str, password: str) -> dict[str, str]:
    """What these variables say to the sentinels themselves. Raises ImproperlyConfigured."""
    found = {"username": text(user, ""), "password": text(password, "")}
    for name, value in zip((user, password), found.values(), strict=True):
        if value and address.kind != "sentinel":
            raise ImproperlyConfigured(f"{name} is set, so REDIS_URL must be redis+sentinel://.")
    if found["username"] and not found["password"]:
        raise ImproperlyConfigured(f"{user} is set, so {password} must be too.")
    return {name: value for name, value in found.items() if value}
