"""The fixtures of the layer's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.instruments.account.listener import Listener
from planets.cache.storage.near import near
from planets.cache.writing import hot
from tests.cache.zoo.hot import HOT
from tests.support.near import trusted
from tests.support.no_database import database_away  # noqa: F401  a fixture
from tests.support.replicated import pair, servers  # noqa: F401  fixtures
from tests.support.waiting import wait_until


@pytest.fixture
def hot_gravity(settings: Any) -> Iterator[None]:
    """A column of the stars is hot, and nothing is remembered of their table."""
    settings.CACHE_ASIDE = HOT
    hot.forget()
    yield
    hot.forget()


@pytest.fixture
def near_on(settings: Any, redis: Any) -> Iterator[None]:
    """The near tier is on, and follows Redis."""
    settings.CACHE_ASIDE = {"NEAR": True, "BREAKER_PROBE": 0.05}
    near.tracking.start()
    wait_until(trusted)
    yield
    settings.CACHE_ASIDE = {}
    wait_until(lambda: not trusted())
    assert near.tracking.thread
    near.tracking.thread.join(10)


@pytest.fixture
def listener(redis: Any) -> Iterator[Listener]:
    """Hears of everything from here on, as where ADVICE is on."""
    made = Listener()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def zoo_reads(settings: Any) -> None:
    """The reads by name are the zoo's, as a site's would be its own."""
    settings.CACHE_ASIDE = {**settings.CACHE_ASIDE, "READS": "tests.cache.zoo.reads"}


@pytest.fixture
def zoo_pages(settings: Any) -> None:
    """The pages are the zoo's."""
    settings.ROOT_URLCONF = "tests.cache.zoo.urls"
