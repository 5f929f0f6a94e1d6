"""The near tier: entries and gates in this process, kept coherent by Redis itself.

One connection a process has Redis push the name of every key of ours that changes (CLIENT TRACKING
in broadcast mode, Redis 6 or Valkey), and what is named is dropped. A hit asks nobody.

The race between a reply and a push, in order:

    1. A reader sends its look.           4. The push arrives: nothing here to drop.
    2. Redis answers with the old value.  5. The reader keeps the old value, for good.
    3. A writer changes the key.

So a reader takes a ticket before its look, and `keep` refuses what was pushed after the ticket.

Silence is not coherence: when nothing was heard for SILENCE, not even the answer to a ping, the
tier is off, whatever the connection says; a process that was suspended wakes up to the same rule.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from . import keys, stats
from .client import client
from .conf import conf

logger = logging.getLogger(__name__)

HEARTBEAT = 0.25  # seconds between two pings on a connection that has nothing to push
SILENCE = 3 * HEARTBEAT  # what is older than this is not trusted
RETRY = 1.0  # seconds between two attempts to connect
TOO_OLD_RETRY = 60.0  # a Redis that knows no tracking may be replaced by one that does
# Pushes remembered for readers that are on their way; a reader slower than this many keeps nothing.
REMEMBERED = 10_000
# What a decoded value, and what converters make of it, takes in memory for each byte that it takes
# uncompressed in Redis, and its slot; measured.
WEIGHT, SLOT = 8, 400


@dataclass(slots=True)
class Slot:
    """A kept value: an open gate's reply, or what was found under an entry's key."""

    value: Any
    until: float  # monotonic time; of a gate: never, its expiry is pushed
    weight: int


class Near:
    """Least recently used slots within CACHE_ASIDE's NEAR_BYTES."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As new, with no connection: after a fork the parent's thread is not ours."""
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._weight = 0
        self._pushes = 0
        self._pushed: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0  # the last push that is no longer remembered
        self._heard = float("-inf")
        self._prefixes: tuple[str, ...] = ()
        self._thread: threading.Thread | None = None

    # --- reading

    @property
    def trusted(self) -> bool:
        """Redis was heard a moment ago, so whatever it has to push has arrived."""
        return time.monotonic() - self._heard < SILENCE

    def look(self, keys: Iterable[str]) -> list[Any] | None:
        """What is kept under each key, None for nothing; None in all where nothing is trusted."""
        now = time.monotonic()
        if now - self._heard >= SILENCE:
            self.start()
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

    def ticket(self) -> int:
        """To be taken before a look whose replies are to be kept."""
        return self._pushes

    def keep(self, ticket: int, found: Iterable[tuple[str, Any, float, int]]) -> None:
        """Keep (key, value, Unix time of expiry, bytes) unless a push has come since the ticket."""
        now, clock = time.monotonic(), time.time()
        with self._lock:
            if ticket < self._forgotten or not self.trusted:
                return
            for key, value, expires, size in found:
                if self._pushed.get(key, 0) > ticket or not key.startswith(self._prefixes):
                    continue
                self._remove(key)
                slot = Slot(value, now + expires - clock, SLOT + WEIGHT * size)
                self._slots[key] = slot
                self._weight += slot.weight
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

    # --- following Redis

    def start(self) -> None:
        """Follow Redis from now on, where the setting asks for it."""
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(
                        target=self._follow_for_ever, name="cache-aside-near", daemon=True
                    )
                    self._thread.start()

    def _follow_for_ever(self) -> None:
        while conf().NEAR:
            pause = RETRY
            try:
                self._follow()
            except ResponseError as error:
                logger.warning("The near tier is off: this Redis cannot track keys (%s)", error)
                pause = TOO_OLD_RETRY
            except (RedisError, OSError) as error:
                logger.info("The near tier is off until Redis is heard again: %s", error)
            finally:
                self._heard = float("-inf")
                self.drop_all()
            if conf().NEAR:
                time.sleep(pause)

    def _follow(self) -> None:
        pool = client.redis().connection_pool
        options = {**pool.connection_kwargs, "protocol": 3, "socket_timeout": SILENCE}
        connection = pool.connection_class(**options)
        try:
            connection.connect()
            # Its own handler only logs; here the message itself is wanted.
            connection._parser.set_invalidation_push_handler(lambda message: message)
            prefixes = ("sql:", "gen:", *(f"{names.prefix}:" for names in keys.RECORDS.values()))
            asked = [part for prefix in prefixes for part in ("PREFIX", prefix)]
            connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *asked)
            connection.read_response()
            self._prefixes = prefixes
            self.drop_all()
            self._heard = time.monotonic()
            # Not can_read() and then read_response(): each wait is one more time that this thread
            # gives up the GIL, and gets it back from one that serves pages 5 ms later.
            connection._sock.settimeout(HEARTBEAT)
            hear = partial(connection.read_response, push_request=True, disconnect_on_error=False)
            while conf().NEAR and pool is client.redis().connection_pool:
                try:
                    self._hear(hear())
                except RedisTimeoutError:
                    if not self.trusted:
                        raise
                    connection.send_command("PING")
        finally:
            connection.disconnect()

    def _hear(self, message: Any) -> None:
        if isinstance(message, list) and message[:1] == [b"invalidate"]:
            if message[1] is None:  # FLUSHALL
                self.drop_all()
            else:
                self.drop([key.decode("utf-8", "replace") for key in message[1]])
        self._heard = time.monotonic()


near = Near()
os.register_at_fork(after_in_child=near.reset)
