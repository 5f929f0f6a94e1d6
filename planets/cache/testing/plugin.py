"""Fixtures of pytest. Where the layer is installed from its wheel, pytest finds them by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..events import Fetch
from . import fetches, isolated, round_trips


@pytest.fixture
def cache_aside_isolated() -> Iterator[str]:
    """A key space that no other test uses, nor another process; its prefix."""
    with isolated() as prefix:
        yield prefix


@pytest.fixture
def cache_aside_events() -> Iterator[list[Fetch]]:
    """Every fetch from here on, with outcome and reason."""
    with fetches() as heard:
        yield heard


@pytest.fixture
def cache_aside_round_trips() -> Iterator[list[list[str]]]:
    """Every round trip to Redis from here on, with its commands in words."""
    with round_trips() as trips:
        yield trips
