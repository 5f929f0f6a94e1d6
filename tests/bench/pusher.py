"""Writes keys that are named after the moment of the write: URL, prefix, number of keys."""

from __future__ import annotations

import sys
import time

import redis

APART = 0.01  # seconds


def main() -> None:
    url, prefix, count = sys.argv[1:]
    client = redis.Redis.from_url(url)
    client.ping()
    for _ in range(int(count)):
        time.sleep(APART)
        client.set(f"{prefix}:{time.monotonic_ns()}", 1, ex=60)


if __name__ == "__main__":
    main()
