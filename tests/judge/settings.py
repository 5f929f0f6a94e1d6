"""Settings that Django's own suite runs with. Its runtests.py sets the rest."""

import os

_socket, _number = os.environ["JUDGE_DATABASE"], os.environ["JUDGE_NUMBER"]


def _database(name: str) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": f"judge_{_number}_{name}",
        "USER": "root",
        "OPTIONS": {"unix_socket": _socket, "isolation_level": "read committed"},
    }


DATABASES = {"default": _database("default"), "other": _database("other")}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "aside": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["JUDGE_REDIS"],
        "OPTIONS": {
            "SOCKET_TIMEOUT": 30,
            "SOCKET_CONNECT_TIMEOUT": 30,
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
    },
}
CACHE_ASIDE = {"REDIS": "aside", "HISTORY": 0, "NEAR": os.environ.get("JUDGE_NEAR") == "on"}
SECRET_KEY = "only-for-tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = "tests.judge.runner.Runner"
