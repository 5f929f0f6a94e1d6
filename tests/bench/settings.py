"""The site's own settings, with the bench's tables and one contender.

Environment: BENCH_CONTENDER, BENCH_REDIS_DB, and the site's DB_* and REDIS_URL.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.update(
    ENV_FILE="/dev/null",
    SECRET_KEY="only-for-the-bench",
    DEBUG="off",
    HTTPS="off",
    ALLOWED_HOSTS="testserver",
    CACHE_TTL="3600",
)

from planetsite.settings import *  # noqa: F403
from planetsite.settings import CACHE_ASIDE, CACHES, INSTALLED_APPS, MIDDLEWARE

CONTENDER = os.environ.get("BENCH_CONTENDER", "orm")
REDIS_URL = os.environ["REDIS_URL"]
TTL = 3600
ROOT_URLCONF = "tests.bench.urls"

INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench.apps.BenchConfig"]
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise.")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHE_ASIDE = {
    **CACHE_ASIDE,
    "TTL": TTL,
    "ENABLED": CONTENDER in ("ours", "near"),
    "NEAR": CONTENDER == "near",
}

# Long timeouts: a loaded machine must slow a contender down, not turn its cache off.
OPTIONS: dict[str, Any] = {"SOCKET_TIMEOUT": 10, "SOCKET_CONNECT_TIMEOUT": 10}
CACHES["default"]["OPTIONS"].update(OPTIONS)
if CONTENDER not in ("ours", "near"):
    # It must not pay for a middleware that only our layer needs.
    MIDDLEWARE = [name for name in MIDDLEWARE if ".PageCacheMiddleware" not in name]
    # django-redis as it comes: pickle, which is faster than its JSON serializer and keeps types.
    CACHES["default"]["OPTIONS"] = {**OPTIONS}

if CONTENDER == "cachalot":
    INSTALLED_APPS.append("cachalot")
    CACHALOT_TIMEOUT = TTL
    # The engine of the site is Django's under another name, of which it knows nothing.
    CACHALOT_DATABASES = frozenset(["default"])
    # Only the tables at hand: what it need not consider costs it nothing.
    CACHALOT_ONLY_CACHABLE_TABLES = frozenset(
        ("bench_body", "bench_orb", "bench_system", "planet", "moon")
    )
elif CONTENDER == "cacheops":
    INSTALLED_APPS.insert(0, "cacheops")
    CACHEOPS_REDIS = REDIS_URL
    # Every operation, automatically. Not `local_get`: it is never invalidated.
    CACHEOPS = {
        "bench.*": {"ops": "all", "timeout": TTL},
        "planets.*": {"ops": "all", "timeout": TTL},
    }
elif CONTENDER == "by_hand":
    ROOT_URLCONF = "tests.bench.cache_page_urls"
    CACHES["pages"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
