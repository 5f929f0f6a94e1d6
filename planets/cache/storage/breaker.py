"""The breaker: after failures in a row Redis is left alone, and one thread tries to reach it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from ..conf import conf
from .errors import Unavailable

logger = logging.getLogger(__name__)


class Breaker:
    """Open while Redis is away.

    `attempt` tries to reach Redis and to pay what is owed. It raises RedisError, OSError or
    Unavailable where it cannot; it returns how many invalidations it has paid, None where others
    are owed by now.
    """

    def __init__(self, attempt: Callable[[], int | None]) -> None:
        self._attempt = attempt
        self._away = False
        self._failures = 0
        self.renew_lock()

    def renew_lock(self) -> None:
        """After a fork: the parent's lock may be held, and its thread is not here."""
        self._lock = threading.Lock()
        self.recovery: threading.Thread | None = None

    @property
    def away(self) -> bool:
        """Redis is not to be asked."""
        if self._away:
            self._recover()
        return self._away

    def succeeded(self) -> None:
        """Redis has answered."""
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Redis has not, or not as it should."""
        self._failures += 1
        if self._failures >= conf().BREAKER_FAILURES:
            self.leave(error)

    def leave(self, error: Exception) -> None:
        """Ask Redis no more until the recovery has reached it."""
        with self._lock:
            if not self._away:
                self._away = True
                logger.warning("Redis is left alone: %s; pages come from the database", error)
        self._recover()

    def _recover(self) -> None:
        """See to it that a thread tries to reach Redis."""
        with self._lock:
            if not self._away or (self.recovery and self.recovery.is_alive()):
                return
            thread = threading.Thread(
                target=self._try_until_back, name="cache-aside-recovery", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return  # this machine has no thread to spare: the next fetch asks again
            self.recovery = thread

    def _try_until_back(self) -> None:
        while True:
            try:
                paid = self._attempt()
            except (RedisError, OSError, Unavailable):
                time.sleep(conf().BREAKER_PROBE)
                continue
            if paid is not None:
                with self._lock:
                    self._away = False
                    self._failures = 0
                    self.recovery = None
                logger.warning("Redis is back: %d owed invalidations have landed", paid)
                return
