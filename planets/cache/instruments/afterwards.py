"""What is done when a request is over, by one receiver of request_finished for all of it.

Each receiver of a signal of Django's takes about as long as all that is counted of a hit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

each: list[Callable[[], None]] = []


def finished(**kwargs: Any) -> None:
    """Receiver of request_finished."""
    for do in each:
        do()
