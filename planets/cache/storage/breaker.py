"""The breaker: after failures in a row Redis is left alone until it is reached again."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..conf import conf
from .absence import Absence
from .debt import debt
from .errors import words

logger = logging.getLogger(__name__)


class Breaker(Absence):
    """Open while Redis is away: nobody asks it then but the recovery.

    `attempt` tries to reach Redis and to pay what is owed. It raises FAILURES or Unavailable where
    it cannot; it returns how many invalidations it has paid. `mistake` says what is wrong with the
    settings where that is why, "" where it is not.
    """

    thread_name = "cache-aside-recovery"

    def __init__(self, attempt: Callable[[], int], mistake: Callable[[Exception], str]) -> None:
        self._attempt, self._mistake = attempt, mistake
        self._failures = self._paid = 0
        super().__init__()

    def succeeded(self) -> None:
        """Redis has answered."""
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Redis has not, or not as it should."""
        self._failures += 1
        if self._failures >= conf().BREAKER_FAILURES:
            self.begin(words(error))

    def attempt(self) -> bool:
        self._paid += self._attempt()
        return True

    def explain(self, error: Exception) -> None:
        if told := self._mistake(error):
            logger.error("%s", told)

    def ends(self) -> str:
        if debt:
            return ""  # a write has come to owe since the last attempt
        paid, self._paid, self._failures = self._paid, 0, 0
        return f"{paid} owed invalidations have landed"
