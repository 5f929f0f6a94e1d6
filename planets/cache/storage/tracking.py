"""Hearing from Redis which keys change: CLIENT TRACKING in broadcast mode (Redis 6, or Valkey).

One connection a process has Redis push the name of every key of ours that changes.

Silence is not coherence, and neither is noise: a push that is read now may have been sent long ago,
with others behind it. What is known is this. Redis answers in order, so when the answer to a ping
is read, whatever Redis had to push before the ping was *sent* has been read before it. So what this
process keeps is trusted for SILENCE from the moment when the last answered ping was sent. A process
that was suspended wakes up to the same rule.

The ping is the greeting of greeting.py: a Redis that answers, and takes no writes, has nothing to
push.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..conf import conf
from . import clock, greeting, keys
from .background import Background
from .client import client
from .errors import FAILURES, Misconfigured, Unavailable, words

logger = logging.getLogger(__name__)

HEARTBEAT = 0.25  # seconds from the sending of a ping to that of the next one
SILENCE = 3 * HEARTBEAT  # what is older than this is not trusted
RETRY = 1.0  # seconds between two attempts to connect
UNTRACKED_PAUSES = 60  # a Redis that knows no tracking may be replaced by one that does


class Untracked(Exception):
    """This Redis pushes nothing."""


class Tracking:
    """A thread that tells `changed` which keys Redis has pushed, and `lost` that any may have."""

    def __init__(self, changed: Callable[[Sequence[str]], None], lost: Callable[[], None]) -> None:
        self._changed, self._lost = changed, lost
        self._background = Background("cache-aside-near", self._follow_for_ever)
        self.reset()

    def reset(self) -> None:
        """As new, with no connection: after a fork the parent's thread is not ours."""
        self._background.renew()
        self.until = float("-inf")  # by the clock of clock.py: what is kept is trusted before it
        self.prefixes: tuple[str, ...] = ()  # of the keys whose changes are pushed
        self._told: type[Exception] | None = None  # why it is off

    @property
    def thread(self) -> Any:
        """The one that follows."""
        return self._background.thread

    def trusted(self, now: float) -> bool:
        """Whatever Redis had to push until shortly before `now` has arrived."""
        return now < self.until

    def start(self) -> None:
        """Follow Redis from now on, where the setting asks for it."""
        self._background.ensure()

    def _follow_for_ever(self) -> None:
        while conf().NEAR:
            pauses = 1
            try:
                self._follow()
            except ResponseError as error:  # to the greeting
                client.breaker.begin(str(error))
            except (*FAILURES, Unavailable) as error:
                self._tell_once(logging.INFO, error)
            except Exception as error:  # whatever it is, another second would not mend it
                self._tell_once(logging.WARNING, error)
                pauses = UNTRACKED_PAUSES
            finally:
                self.until = float("-inf")
                self._lost()
            followed = _redis()
            while pauses and conf().NEAR and _redis() is followed:
                time.sleep(RETRY)
                pauses -= 1

    def _tell_once(self, level: int, error: Exception) -> None:
        if type(error) is not self._told:
            self._told = type(error)
            logger.log(level, "The near tier is off: %s", words(error))

    def _follow(self) -> None:
        redis = client.redis()
        if isinstance(redis, RedisCluster):
            raise Untracked("it does not follow a Redis Cluster; set CACHE_ASIDE['NEAR'] to False")
        pool = redis.connection_pool
        options = {**pool.connection_kwargs, "protocol": 3, "socket_timeout": SILENCE}
        connection = pool.connection_class(**options)
        try:
            prefixes = tuple(keys.tracked())
            asked = [part for prefix in prefixes for part in ("PREFIX", prefix)]
            try:
                connection.connect()
                connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *asked)
                connection.read_response()
            except ResponseError as error:
                raise Untracked(f"this Redis cannot track keys ({error})") from error
            # Its own handler only logs; here the message itself is wanted.
            connection._parser.set_invalidation_push_handler(lambda message: message)
            self.prefixes = prefixes
            self._lost()
            # Not can_read() and then read_response(): each wait is one more time that this thread
            # gives up the GIL, and gets it back from one that serves pages 5 ms later.
            connection._sock.settimeout(HEARTBEAT)
            self._listen(connection, lambda: conf().NEAR and pool is client.redis().connection_pool)
        finally:
            connection.disconnect()

    def _listen(self, connection: Any, goes_on: Callable[[], bool]) -> None:
        connection.send_command(*client.greet(new=True))
        sent, answered = clock.now(), False
        while goes_on():
            now = clock.now()
            if answered and now >= sent + HEARTBEAT:
                connection.send_command(*client.greet(new=False))
                sent, answered = now, False
            try:
                message = connection.read_response(push_request=True, disconnect_on_error=False)
            except RedisTimeoutError:
                if not answered and now >= sent + SILENCE:
                    raise
                continue
            if isinstance(message, list) and message[:1] == [b"invalidate"]:
                self._tell(message[1])
            else:
                greeting.hear(message)
                self.until, answered, self._told = sent + SILENCE, True, None

    def _tell(self, names: Any) -> None:
        if names is None:  # FLUSHALL
            self._lost()
        else:
            self._changed([key.decode("utf-8", "replace") for key in names])


def _redis() -> Any:
    """The client that is in force, None where there is none."""
    try:
        return client.redis()
    except (*FAILURES, Misconfigured):
        return None
