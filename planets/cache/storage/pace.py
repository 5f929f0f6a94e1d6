"""Whether Redis is quick enough to be worth asking.

A Redis that answers late is worse than one that is dead: each page waits for it, and nothing fails.
So round trips are measured against loads, and where too many take longer than the load that they
could save, fetches leave Redis alone until it is quick again. Writes go on to invalidate, however
long that takes: what they make stale must not be served when fetches come back.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .. import stats
from . import clock
from .absence import Absence

# Seconds. A healthy Redis answers in less than one millisecond from nearby, and within a few from
# another data centre or on a busy machine; below this it is never slow, however quick the loads.
QUICK = 0.01
DEARER = 2  # a round trip that takes so many loads is slow; one that takes one is no matter
# The share of slow ones among about so many, and for how many seconds it is borne: a pause of
# Redis, or a burst of new connections, is met by every thread at once and is over.
RECENT, TOO_MANY, BORNE = 32, 0.25, 1.0
# A round trip gives up the GIL that often at most, and gets it back when other threads let it go.
TURNS = 3


class Pace(Absence):
    """Begins where round trips cost more than loads; `ask` makes one round trip."""

    thread_name = "cache-aside-pace"

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._load = 0.0  # seconds, of the usual load; 0: none yet
        self._slow = 0.0  # the share of slow round trips
        self._since = float("inf")  # when there began to be too many
        self._last = 0.0
        super().__init__()
        stats.listen(self._spent)

    def round_trip(self, seconds: float) -> None:
        """One has been made, and took so long."""
        slow = self._slowness(seconds) if seconds > QUICK else 0.0
        self._slow += (slow - self._slow) / RECENT
        if self._slow <= TOO_MANY:
            self._since = float("inf")
        elif slow > 0 and self._too_long():
            self.begin(
                f"a round trip took {seconds * 1000:.0f} ms, and a load takes "
                f"{self._load * 1000:.0f} ms"
            )

    def attempt(self) -> bool:
        started = time.perf_counter()
        self._ask()
        self._last = time.perf_counter() - started
        return self._last <= QUICK or self._slowness(self._last) < 1

    def ends(self) -> str:
        self._slow = 0.0
        return f"a round trip took {self._last * 1000:.0f} ms"

    def forget(self) -> None:
        super().forget()
        self._slow = 0.0

    def _too_long(self) -> bool:
        now = clock.now()
        self._since = min(self._since, now)
        return now - self._since > BORNE

    def _slowness(self, seconds: float) -> float:
        """1 for a slow round trip, less for one that other threads may have delayed.

        In a busy process most of a round trip can be the wait for the GIL. To sleep for no time is
        to wait for it once; where that takes long it counts against, so that it evens out.
        """
        began = time.perf_counter()
        time.sleep(0)
        turns = TURNS * (time.perf_counter() - began)
        return max(-1.0, min(1.0, (seconds - turns) / max(QUICK, DEARER * self._load)))

    def _spent(self, what: str, seconds: float) -> None:
        if what == "load":
            self._load += (seconds - self._load) / (RECENT if self._load else 1)
