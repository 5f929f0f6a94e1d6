"""What was used last, within a number of bytes."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

OVERHEAD = 600  # bytes that a value and its place take, beside the text


class Memo(Generic[T]):
    """Two generations: what is not asked for while the young one fills goes with the old one.

    It has no lock: what threads do to it at once can lose a value, and never mixes two up.
    """

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self.clear()

    def clear(self) -> None:
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}
        self.bytes = 0  # of the young one

    def get(self, key: Hashable, text: str) -> T | None:
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, text, found)
        return found

    def put(self, key: Hashable, text: str, value: T) -> None:
        """Keep a value under a key that holds `text`."""
        if self.bytes > self._half:
            self._old, self._young, self.bytes = self._young, {}, 0
        self._young[key] = value
        self.bytes += sys.getsizeof(text) + OVERHEAD
