from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from planets.cache.checks.project import TOOLBAR, isolation, toolbar
from planets.cache.checks.redis_server import of_server
from planets.cache.instruments.server import Server, server
from planets.cache.storage.client import client

# From Django 6.1 on, its own checks of the models ask the databases what they can.
pytestmark = pytest.mark.django_db

JSON = "django_redis.serializers.json.JSONSerializer"


def found(*, deploy: bool = False) -> dict[str, str]:
    """Our messages by id, with their hints, which each must have."""
    messages = run_checks(include_deployment_checks=deploy)
    ours = {
        str(m.id): f"{m.msg} {m.hint}" for m in messages if str(m.id).startswith("cache_aside.")
    }
    assert all(m.hint for m in messages if str(m.id) in ours)
    return ours


def redis_cache(location: str, **options: Any) -> dict[str, Any]:
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": location,
        "OPTIONS": {"SERIALIZER": JSON, **options},
    }


OURS = redis_cache("redis://localhost:6379/0")
DJANGOS = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}


def test_the_projects_own_settings_give_no_message() -> None:
    assert found() == {}


def test_a_plain_check_does_not_ask_redis(round_trips: list[list[str]], no_redis: None) -> None:
    assert found() == {}
    assert round_trips == []


def test_the_settings_of_the_layer_are_checked(settings: Any) -> None:
    settings.CACHE_ASIDE = {"TLL": 3}

    assert "'TLL'" in found()["cache_aside.E001"]
    assert set(found(deploy=True)) == {"cache_aside.E001"}


def test_the_alias_must_be_one_of_django_redis(settings: Any) -> None:
    settings.CACHE_ASIDE = {"REDIS": "redis"}
    assert "'redis'" in found()["cache_aside.E002"]

    settings.CACHE_ASIDE = {}
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "'default'" in found()["cache_aside.E003"]


WEEK = 7 * 24 * 3600


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"TTL": WEEK}, []),
        ({"TTL": WEEK + 1}, ["cache_aside.W001"]),
        ({"TTL": 10, "ABSENT_TTL": 10}, []),
        ({"TTL": 10, "ABSENT_TTL": 11}, ["cache_aside.W002"]),
    ],
)
def test_ttls_make_sense(settings: Any, options: dict[str, Any], expected: list[str]) -> None:
    settings.CACHE_ASIDE = options

    assert list(found()) == expected


@pytest.mark.parametrize(
    ("other", "warned"),
    [
        (redis_cache("redis://localhost:6379/0"), False),
        (redis_cache("redis://localhost:6379/1", SERIALIZER="my.PickleSerializer"), False),
        (redis_cache("redis://elsewhere:6379/0", SERIALIZER="my.PickleSerializer"), False),
        (redis_cache("redis://localhost", SERIALIZER="my.PickleSerializer"), True),
        (redis_cache("redis://:secret@127.0.0.1/?db=0", SERIALIZER="my.PickleSerializer"), True),
        ({**OURS, "OPTIONS": {}}, True),
        ({**DJANGOS, "LOCATION": "redis://localhost"}, True),
        ({**DJANGOS, "LOCATION": ["redis://localhost", "redis://replica"]}, True),
        ({**DJANGOS, "LOCATION": "redis://localhost", "OPTIONS": {"db": 1}}, False),
        ({**DJANGOS, "LOCATION": "redis://localhost", "OPTIONS": {"serializer": "my.S"}}, False),
        ({"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, False),
    ],
)
def test_no_other_cache_unpickles_what_lies_in_ours(
    settings: Any, other: dict[str, Any], warned: bool
) -> None:
    settings.CACHES = {"default": OURS, "other": other}

    messages = found()

    assert set(messages) == ({"cache_aside.W003"} if warned else set())
    assert "secret" not in str(messages)


def test_our_own_cache_may_not_unpickle_either(settings: Any) -> None:
    settings.CACHES = {"default": {**OURS, "OPTIONS": {}}}

    assert "CACHES['default']" in found()["cache_aside.W003"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"isolation_level": "READ COMMITTED"}, ""),
        ({"isolation_level": None}, "left to the server: no transaction's reads are cached"),
        (
            {"isolation_level": "repeatable read"},
            "repeatable read: no transaction's reads are cached",
        ),
        ({"isolation_level": "read uncommitted"}, "read uncommitted: nothing is cached"),
    ],
)
def test_the_isolation_level_lets_transactions_use_the_cache(
    options: dict[str, Any], words: str
) -> None:
    messages = list(
        isolation(
            {
                "default": {"ENGINE": "django.db.backends.mysql", "OPTIONS": options},
                "lite": {"ENGINE": "django.db.backends.sqlite3"},
            }
        )
    )

    assert [message.id for message in messages] == (["cache_aside.W004"] if words else [])
    assert words in "".join(message.msg for message in messages)


@pytest.mark.parametrize(
    ("before", "warned"),
    [
        ("django.middleware.gzip.GZipMiddleware", False),
        ("planets.cache.instruments.cache_status.CacheStatusMiddleware", True),
        ("django.middleware.cache.FetchFromCacheMiddleware", True),
    ],
)
def test_the_toolbar_stands_before_what_fetches(before: str, warned: bool) -> None:
    assert bool(list(toolbar([before, TOOLBAR]))) is warned
    assert not list(toolbar([TOOLBAR, before]))
    assert not list(toolbar([before]))


# --- what asks Redis


def test_a_deployment_check_asks_redis(redis: Any) -> None:
    assert "cache_aside.W006" in found(deploy=True)  # the tests' Redis has no maxmemory


def test_redis_away_is_an_error_of_a_deployment(no_redis: None) -> None:
    assert "ConnectionError" in found(deploy=True)["cache_aside.E004"]
    assert not client.away


def told(seen: Server) -> list[str]:
    messages = list(of_server(seen))
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


@pytest.fixture
def good(redis: Any) -> Server:
    return replace(server(), policy="volatile-lfu", max_memory=1 << 30)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, []),
        ({"policy": "allkeys-lru"}, []),
        ({"policy": "volatile-ttl"}, []),
        ({"version": "5.0.14"}, []),
        ({"max_memory": 0}, ["cache_aside.W006"]),
        ({"max_memory": 0, "policy": "noeviction"}, ["cache_aside.W006"]),
        ({"policy": "noeviction"}, ["cache_aside.W007"]),
        ({"policy": "allkeys-random"}, ["cache_aside.W008"]),
        ({"policy": "volatile-random"}, ["cache_aside.W008"]),
    ],
)
def test_what_a_server_must_be(good: Server, seen: dict[str, Any], expected: list[str]) -> None:
    assert told(replace(good, **seen)) == expected


def test_the_checks_of_redis_can_be_run_alone(redis: Any) -> None:
    out = StringIO()
    call_command("check", deploy=True, tags=["redis"], stdout=out, stderr=out)

    assert "cache_aside.W006" in out.getvalue()
    assert "security." not in out.getvalue()


def test_a_check_of_a_deployment_without_redis_fails() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--tag", "redis"],
        cwd=Path(__file__).resolve().parents[3],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "cache_aside.E004" in done.stderr


def test_every_check_and_command_stands_in_the_docs() -> None:
    root = Path(__file__).resolve().parents[3]
    text = (root / "docs" / "operating.md").read_text()
    source = "".join(path.read_text() for path in (root / "planets" / "cache").rglob("*.py"))
    ids = re.findall(r'id="(cache_aside\.[EW]\d+)"', source)

    assert len(ids) == len(set(ids)) == text.count("| `cache_aside.")
    for name in [*ids, "show_cache", "warm_cache", "invalidate_cache"]:
        assert name in text
