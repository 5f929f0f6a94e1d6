"""A Redis of a test's own, to ill-treat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from planets.cache.storage.client import client

from .servers import Redis
from .waiting import wait_until


def use(settings: Any, url: str, timeout: float = 0.25) -> None:
    """From here on the cache's Redis is the one at this address."""
    settings.CACHES = {
        "default": {
            **settings.CACHES["default"],
            "LOCATION": url,
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": timeout, "SOCKET_TIMEOUT": timeout},
        }
    }


@contextmanager
def another_redis(settings: Any, **options: Any) -> Iterator[Redis]:
    """A Redis that the cache uses; afterwards the client has found the run's own again."""
    usual = settings.CACHES
    with Redis(**options) as server:
        use(settings, server.url)
        yield server
        settings.CACHES = usual
        wait_until(lambda: not client.away)
