"""/readyz, where there should be a watcher."""

from __future__ import annotations

import time
from typing import Any

import pytest

from planets.cache.storage import keys
from planets.cache.watching.state import State

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def test_a_site_without_its_watcher_is_degraded(client: Any, redis: Any, settings: Any) -> None:
    assert "watcher" not in client.get("/readyz").json()
    settings.CACHE_ASIDE = {"WATCH_LAG": 5}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    state = State(watching=True, at=time.time())
    redis.set(keys.watcher("default", "state"), state.text())
    assert client.get("/readyz").json()["status"] == "ok"
