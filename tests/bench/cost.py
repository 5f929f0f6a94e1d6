"""What freshness costs: round trips a write, and whether many entries make invalidation slower.

    python -m tests.bench.cost

Two Redis servers, one with 10 entries of a table and one with 100,000, are invalidated in turn, so
that whatever else the machine does slows both alike. Only the ratio travels.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

from ..support import servers

FEW, MANY, WRITES = 10, 100_000, 2_000


def filled(redis: servers.Redis, entries: int) -> None:
    """As many entries as that, of about the size of a planet's."""
    with redis.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(entries):
            pipeline.set(f"sql:{number:032x}", b"x" * 300, ex=3600)
            if number % 10_000 == 9_999:
                pipeline.execute()
        pipeline.execute()
        assert client.dbsize() >= entries


def invalidation_ms(url: str) -> float:
    """What one write's two round trips take on the Redis at this address."""
    from django.test import override_settings

    from planets.cache.storage import gates, keys
    from planets.cache.storage.client import client
    from planets.cache.writing.stale import Touched

    touched = Touched(frozenset([keys.gate("default", "planet")]), frozenset(["planet:3"]))
    caches = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
    with override_settings(CACHES=caches):
        client.call(("PING",))
        times = []
        for _ in range(WRITES // 20):
            writer, started = gates.token(), time.perf_counter()
            touched.close(writer)
            touched.open(writer)
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ["TEST_DATABASE"] = "sqlite"
    import django

    django.setup()
    with servers.Redis() as few, servers.Redis() as many:
        filled(few, FEW)
        filled(many, MANY)
        pairs = [(invalidation_ms(few.url), invalidation_ms(many.url)) for _ in range(20)]
    of_few, of_many = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"invalidation among {FEW} entries      {of_few:.3f} ms")
    print(f"invalidation among {MANY:,} entries {of_many:.3f} ms")
    print(f"ratio {of_many / of_few:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
