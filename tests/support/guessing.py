"""Every look expects a miss, whatever was met before; and the gates of stars are open.

So whatever is missing is claimed by the look, and never by a round trip of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

from planets.cache.reading import foresight
from planets.cache.reading.lookup import Lookup
from planets.cache.storage import gates, keys
from planets.cache.storage.client import client


@pytest.fixture(autouse=True)
def expects_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    def expects_a_miss(lookup: Lookup) -> bool:
        return not (lookup.second_sight or lookup.late.max_stale)

    monkeypatch.setattr(foresight, "expects_a_miss", expects_a_miss)


@pytest.fixture(autouse=True)
def open_gates(request: pytest.FixtureRequest, sky: None, redis: Any) -> None:
    """As they are where others have read the same tables."""
    if "tokens" in request.fixturenames:
        request.getfixturevalue("tokens")  # which they are opened with
    client.call(
        gates.admit(keys.database_gate("default")),
        gates.admit(keys.gate("default", "star")),
        gates.admit(keys.records_gate("default", "star")),
    )
