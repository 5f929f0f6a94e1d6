"""Hearing from Redis which keys change: CLIENT TRACKING in broadcast mode (Redis 6, or Valkey).

One connection a process has Redis push the name of every key of ours that changes.

Silence is not coherence: when nothing was heard for SILENCE, not even the answer to a ping, what
this process keeps is not trusted, whatever the connection says; a process that was suspended wakes
up to the same rule.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..conf import conf
from . import keys
from .client import client
from .errors import Unavailable

logger = logging.getLogger(__name__)

HEARTBEAT = 0.25  # seconds between two pings on a connection that has nothing to push
SILENCE = 3 * HEARTBEAT  # what is older than this is not trusted
RETRY = 1.0  # seconds between two attempts to connect
TOO_OLD_RETRY = 60.0  # a Redis that knows no tracking may be replaced by one that does


class Tracking:
    """A thread that tells `changed` which keys Redis has pushed, and `lost` that any may have."""

    def __init__(self, changed: Callable[[Sequence[str]], None], lost: Callable[[], None]) -> None:
        self._changed, self._lost = changed, lost
        self.reset()

    def reset(self) -> None:
        """As new, with no connection: after a fork the parent's thread is not ours."""
        self._lock = threading.Lock()
        self._heard = float("-inf")
        self.prefixes: tuple[str, ...] = ()  # of the keys whose changes are pushed
        self.thread: threading.Thread | None = None

    def trusted(self, now: float) -> bool:
        """Redis was heard a moment before `now`, so whatever it has to push has arrived."""
        return now - self._heard < SILENCE

    def start(self) -> None:
        """Follow Redis from now on, where the setting asks for it."""
        if self.thread is not None and self.thread.is_alive():
            return
        with self._lock:
            if self.thread is not None and self.thread.is_alive():
                return
            thread = threading.Thread(
                target=self._follow_for_ever, name="cache-aside-near", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return  # this machine has no thread to spare: the next fetch asks again
            self.thread = thread

    def _follow_for_ever(self) -> None:
        while conf().NEAR:
            pause = RETRY
            try:
                self._follow()
            except ResponseError as error:
                logger.warning("The near tier is off: this Redis cannot track keys (%s)", error)
                pause = TOO_OLD_RETRY
            except (RedisError, OSError, Unavailable) as error:
                logger.info("The near tier is off until Redis is heard again: %s", error)
            finally:
                self._heard = float("-inf")
                self._lost()
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
            prefixes = tuple(keys.tracked())
            asked = [part for prefix in prefixes for part in ("PREFIX", prefix)]
            connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *asked)
            connection.read_response()
            self.prefixes = prefixes
            self._lost()
            self._heard = time.monotonic()
            # Not can_read() and then read_response(): each wait is one more time that this thread
            # gives up the GIL, and gets it back from one that serves pages 5 ms later.
            connection._sock.settimeout(HEARTBEAT)
            hear = partial(connection.read_response, push_request=True, disconnect_on_error=False)
            while conf().NEAR and pool is client.redis().connection_pool:
                try:
                    self._hear(hear())
                except RedisTimeoutError:
                    if not self.trusted(time.monotonic()):
                        raise
                    connection.send_command("PING")
        finally:
            connection.disconnect()

    def _hear(self, message: Any) -> None:
        if isinstance(message, list) and message[:1] == [b"invalidate"]:
            if message[1] is None:  # FLUSHALL
                self._lost()
            else:
                self._changed([key.decode("utf-8", "replace") for key in message[1]])
        self._heard = time.monotonic()
