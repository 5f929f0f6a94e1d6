"""The near tier: entries and gates in this process, kept coherent by Redis itself.

Redis pushes the name of every key of ours that changes (tracking), and what is named is dropped. A
hit asks nobody.

The race between a reply and a push, in order:

    1. A reader sends its look.           4. The push arrives: nothing here to drop.
    2. Redis answers with the old value.  5. The reader keeps the old value, for good.
    3. A writer changes the key.

So a reader takes a ticket before its look, and `keep` refuses what was pushed after the ticket.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import stats
from ..conf import conf
from . import clock
from .tracking import Tracking

# Pushes remembered for readers that are on their way; a reader slower than this many keeps nothing.
REMEMBERED = 10_000
# No name in Redis that is ours ends so.
TOKEN_SLOT = "\0token"  # noqa: S105  a name

# Bytes of a slot besides what it keeps: the key and what holds both; measured.
SLOT = 800


@dataclass(slots=True)
class Slot:
    """A kept value: an open gate's reply, or what was found under an entry's key."""

    value: Any
    until: float  # by the clock of clock.py; of a gate: never, its expiry is pushed
    weight: int


class Near:
    """Least recently used slots within CACHE_ASIDE's NEAR_BYTES."""

    def __init__(self) -> None:
        self.tracking = Tracking(changed=self.drop, lost=self.drop_all)
        self.reset()

    def reset(self) -> None:
        """As new, with no connection: after a fork the parent's thread is not ours."""
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._weight = 0
        self._pushes = 0
        self._pushed: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0  # the last push that is no longer remembered
        self.tracking.reset()

    # --- reading

    def look(self, keys: Iterable[str]) -> list[Any] | None:
        """What is kept under each key, None for nothing; None in all where nothing is trusted."""
        now = clock.now()
        if not self.tracking.trusted(now):
            self.tracking.start()
            return None
        return [self._get(key, now) for key in keys]

    def _get(self, key: str, now: float) -> Any:
        slot = self._slots.get(key)
        if slot is None or slot.until < now:
            return None
        try:
            self._slots.move_to_end(key)
        except KeyError:
            return None  # dropped in between
        return slot.value

    @staticmethod
    def token_slot(record: str) -> str:
        """Where the token of a record is kept, beside the record; it is dropped with it."""
        return record + TOKEN_SLOT

    def ticket(self) -> int:
        """To be taken before a look whose replies are to be kept."""
        return self._pushes

    def keep(self, ticket: int, found: Iterable[tuple[str, Any, float, int]]) -> None:
        """Keep (key, value, Unix time of expiry, bytes) unless a push has come since the ticket."""
        now, unix = clock.now(), time.time()
        with self._lock:
            if ticket < self._forgotten or not self.tracking.trusted(now):
                return
            for key, value, expires, size in found:
                pushed = self._pushed.get(key.removesuffix(TOKEN_SLOT), 0)
                if pushed > ticket or not key.startswith(self.tracking.prefixes):
                    continue
                self._remove(key)
                if SLOT + size > conf().NEAR_BYTES:
                    continue  # to make room for it would be to forget all others, and then it too
                slot = Slot(value, now + expires - unix, SLOT + size)
                self._slots[key] = slot
                self._weight += slot.weight
            self._make_room()

    def grew(self, key: str, more: int) -> None:
        """What is kept under this key takes so many bytes more."""
        with self._lock:
            if slot := self._slots.get(key):
                slot.weight += more
                self._weight += more
                self._make_room()

    def _make_room(self) -> None:
        while self._weight > conf().NEAR_BYTES and self._slots:
            self._remove(next(iter(self._slots)))
            stats.count("near", "evicted")

    # --- dropping

    def drop(self, names: Iterable[str]) -> None:
        """These keys have changed: by a push, or by this process's own write."""
        with self._lock:
            self._pushes += 1
            for key in names:
                self._remove(key)
                self._remove(key + TOKEN_SLOT)
                self._pushed[key] = self._pushes
                self._pushed.move_to_end(key)
            while len(self._pushed) > REMEMBERED:
                self._forgotten = self._pushed.popitem(last=False)[1]

    def drop_all(self) -> None:
        """Anything may have changed."""
        with self._lock:
            self._pushes += 1
            self._forgotten = self._pushes
            self._pushed.clear()
            self._slots.clear()
            self._weight = 0

    def _remove(self, key: str) -> None:
        if slot := self._slots.pop(key, None):
            self._weight -= slot.weight


near = Near()
os.register_at_fork(after_in_child=near.reset)
