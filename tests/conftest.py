"""The fixtures of all rooms. The servers and settings of a run are in `tests.settings`."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
import redis as redis_py
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test import override_settings

import planets.cache
from planets.cache import fetched
from planets.cache.events import Fetch
from planets.cache.reading import foresight
from planets.cache.storage import pace
from planets.cache.storage.client import Command, Reply, client

from . import settings as test_settings
from .cache.zoo import sky as zoo_sky
from .support import servers
from .support.outage import another_redis

LUA = Path(planets.cache.__file__).parent / "storage" / "lua"


def pytest_configure(config: pytest.Config) -> None:
    # A script's background job ignores Ctrl-C, and would hand that on to the programs under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A busy machine is no slow Redis (the tests of slow ones set it back), and no slow test.
    pace.QUICK = 5.0
    hypothesis.settings.register_profile(
        "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("busy")
    config.addinivalue_line("markers", "mysql: is about MariaDB or MySQL")
    config.addinivalue_line("markers", "once: enough on one database and one Django")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if connection.vendor == "sqlite":
        for item in items:
            if "mysql" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="it is about MariaDB"))


def pytest_unconfigure() -> None:
    """Leave a given Redis as empty as it was."""
    if "TEST_REDIS_URL" in os.environ:
        with redis_py.Redis.from_url(os.environ["REDIS_URL"]) as client:
            client.flushdb()


@pytest.fixture(scope="session")
def redis_server() -> servers.Redis:
    """The private Redis of this run, to stop and to start."""
    private: servers.Redis | None = getattr(test_settings, "private_redis", None)
    if private is None:
        pytest.skip("TEST_REDIS_URL names a Redis that is not ours to stop")
    return private


@pytest.fixture
def redis() -> Iterator[redis_py.Redis]:
    """A plain client on an empty key space, which is empty again afterwards."""
    with redis_py.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as plain:
        plain.flushdb()
        client.doubt()  # the name of the database has no owner any more
        yield plain
        plain.flushdb()


@pytest.fixture(autouse=True)
def _expects_hits() -> None:
    """What the tests before have missed tells nothing of this one."""
    foresight.forget()


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every round trip to Redis from here on: its commands by name, a script by the script's."""
    scripts = {path.read_text(): path.stem for path in LUA.glob("*.lua")}
    trips: list[list[str]] = []
    exchange = client._exchange

    def counted(commands: Sequence[Command]) -> list[Reply]:
        trips.append([scripts[c[1]] if c[0] == "EVAL" else str(c[0]) for c in commands])
        return exchange(commands)

    monkeypatch.setattr(client, "_exchange", counted)
    return trips


@pytest.fixture
def events() -> Iterator[list[Fetch]]:
    """Every fetch from here on, as the signal tells it."""
    heard: list[Fetch] = []

    def hear(event: Fetch, **kwargs: object) -> None:
        heard.append(event)

    fetched.connect(hear)
    yield heard
    fetched.disconnect(hear)


@pytest.fixture
def sky(transactional_db: None) -> None:
    """The stars and comets of the zoo, which the flush after a test takes away."""
    zoo_sky.fill()


@pytest.fixture
def own(settings: Any) -> Iterator[servers.Redis]:
    """A Redis for one test to ill-treat."""
    settings.CACHE_ASIDE = {"BREAKER_PROBE": 0.05}
    with another_redis(settings) as server:
        yield server


@pytest.fixture
def no_redis() -> Iterator[None]:
    """A Redis that refuses connections; afterwards the real one is trusted again."""
    caches = {"default": {**django_settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    with override_settings(CACHES=caches):
        yield
    if recovery := client.breaker.recovery:
        recovery.join(timeout=30)
    assert not client.away


@pytest_asyncio.fixture
async def async_database(transactional_db: None) -> AsyncIterator[None]:
    """For async tests: the thread that their queries run in closes its connection.

    It does so at the beginning, too: that thread lives as long as the test run, and a test that
    was not about the database may have left a connection in it that the server closed since.
    """
    await sync_to_async(connections.close_all)()
    yield
    await sync_to_async(connections.close_all)()
