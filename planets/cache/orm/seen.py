"""What this process has met before: bounded, and right to forget."""

from __future__ import annotations

from collections.abc import Hashable


class Seen:
    """From half of `limit` to all of it of the things met last."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self.clear()

    def clear(self) -> None:
        self._new: dict[Hashable, None] = {}
        self._old: dict[Hashable, None] = {}

    def again(self, thing: Hashable) -> bool:
        """Whether it was met before; from now on it was."""
        known = thing in self._new or thing in self._old
        self._new[thing] = None
        if len(self._new) >= self._half:
            self._old, self._new = self._new, {}
        return known

    def __len__(self) -> int:
        return len(self._new) + len(self._old)
