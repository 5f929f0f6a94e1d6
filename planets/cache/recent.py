"""What this process has met lately: bounded, and right to forget."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """From half of `limit` to all of it of the things that were put in last. Needs no lock.

    The limit is a number of things, or of what their weights are given in.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self.clear()

    def clear(self) -> None:
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._weight = 0  # of the new ones
        self._weights: dict[K, int] = {}  # of those among them that weigh more than 1

    def get(self, key: K) -> V | None:
        found = self._new.get(key)
        return self._old.get(key) if found is None else found

    def put(self, key: K, value: V, weight: int = 1) -> None:
        before = self._weights.get(key, 1) if key in self._new else 0
        if weight != (before or 1):
            self._weights[key] = weight
        self._weight += weight - before
        self._new[key] = value
        if self._weight >= self._half:
            self._old, self._new, self._weight, self._weights = self._new, {}, 0, {}

    def again(self, key: K, value: V) -> bool:
        """Whether it was met before; from now on it was."""
        known = self.get(key) is not None
        self.put(key, value)
        return known

    def __contains__(self, key: object) -> bool:
        return key in self._new or key in self._old

    def __len__(self) -> int:
        return len(self._new) + len(self._old)
