"""What the tests share. The servers and settings of a run are in `tests.settings`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis as redis_py
from django.db import connection

from . import servers
from . import settings as test_settings


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mysql: is about MariaDB or MySQL")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if connection.vendor == "sqlite":
        for item in items:
            if "mysql" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="it is about MariaDB"))


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
    with redis_py.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as client:
        if "TEST_REDIS_URL" in os.environ and client.dbsize():
            pytest.fail("TEST_REDIS_URL names a database that is not empty: name an empty one")
        client.flushdb()
        yield client
        client.flushdb()
