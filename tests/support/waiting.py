"""Waiting for a state that must come, and for no longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 30.0  # seconds after which a state or a step that must come has failed


def wait_until(state: Callable[[], Any]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.01)
