"""Leaving Redis alone for a while, and coming back.

One thread tries Redis every BREAKER_PROBE; no page waits for it. It comes back when CALM attempts
in a row went well: by then every other process has found Redis too, and has paid what it owed, so
nobody is served what another process could not invalidate. Who leaves again soon after comes back
after twice as many, so that a Redis that comes and goes costs little and says little.
"""

from __future__ import annotations

import logging
import threading
import time

from ..conf import conf
from . import clock
from .background import Background
from .errors import FAILURES, Unavailable

logger = logging.getLogger(__name__)

CALM = 3  # attempts; another process that waits for an answer may be an attempt and a half late
MOST = 60  # attempts: half a minute
RELAPSE = 60.0  # seconds after a return within which to leave again is a relapse


class Absence:
    """Why Redis is left alone, if it is."""

    thread_name: str

    def __init__(self) -> None:
        self.reason = ""
        self.reached = True  # the last attempt went well; there may have to be more
        self._background = Background(self.thread_name, self._try_until_back)
        self._needed, self._back_at = CALM, float("-inf")
        self.renew()

    def renew(self) -> None:
        """After a fork: the parent's lock may be held, and its thread is not here."""
        self._lock = threading.Lock()
        self._background.renew()

    @property
    def recovery(self) -> threading.Thread | None:
        """The thread that tries to come back."""
        return self._background.thread

    @property
    def now(self) -> bool:
        """Redis is left alone."""
        if self.reason:
            self._background.ensure()
        return bool(self.reason)

    def begin(self, reason: str) -> None:
        """Leave Redis alone until attempts have gone well."""
        with self._lock:
            self.reached = False
            if not self.reason:
                relapse = clock.now() - self._back_at < RELAPSE
                self._needed = min(2 * self._needed, MOST) if relapse else CALM
                self.reason = reason or "it gave no reason"
                logger.warning("Redis is left alone: %s; pages come from the database", reason)
        self._background.ensure()

    def forget(self) -> None:
        """It is another Redis from here on."""
        self._needed, self._back_at = CALM, float("-inf")

    def attempt(self) -> bool:
        """Try Redis. False, FAILURES and Unavailable say that it did not go well."""
        raise NotImplementedError

    def ends(self) -> str:
        """What is to be told of the return; "" where there is none yet."""
        raise NotImplementedError

    def explain(self, error: Exception) -> None:
        """The first attempt has failed so: tell what more is known of that."""

    def _try_until_back(self) -> None:
        well, explained = 0, False
        while True:
            try:
                well = well + 1 if self.attempt() else 0
            except (*FAILURES, Unavailable) as error:
                well = 0
                if not explained:
                    explained = True
                    self.explain(error)
            self.reached = well > 0
            if well >= self._needed and self._come_back():
                return
            time.sleep(conf().BREAKER_PROBE)

    def _come_back(self) -> bool:
        with self._lock:
            # Asked under the lock: who owes from now on finds that nobody tries any more.
            if not (told := self.ends()):
                return False
            self.reason, self._back_at = "", clock.now()
            self._background.thread = None
            logger.warning("Redis is back: %s", told)
            return True
