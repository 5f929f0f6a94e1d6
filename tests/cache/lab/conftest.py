"""The fixtures of what is learned from traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planets.cache.instruments.account.listener import Listener


@pytest.fixture
def listener(redis: Any) -> Iterator[Listener]:
    """Hears of everything from here on, as where ADVICE is on."""
    made = Listener()
    made.start()
    yield made
    made.stop()
