"""How many threads wait for the database at a time, and when none does.

A database that is there and silent costs DB_TIMEOUT whoever asks it. Would every thread ask, cached
pages and probes had to wait with them. So:

1. One thread fewer than there are may wait for the database at a time. Who finds no seat for
   SEAT_WAIT seconds is refused.
2. After a failure, or a wait for a seat, a thread of its own asks for a sign of life. While there
   is none, everybody is refused at once, until the database has answered that thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from django.db import Error, InterfaceError, OperationalError, connection

from .database_away import Busy, Refused, is_away, went_away

SEAT_WAIT = 1.0  # seconds; an answer to a page of this site takes milliseconds
SUSPICIOUS_WAIT = 0.25  # of these, before the database is asked whether it lives
PROBE_TIMEOUT = 2  # seconds; a probe that waits longer than who asks is none
PROBE_EVERY = 0.5  # seconds


def answers() -> bool:
    """Whether the database answers over a new connection: an old one of an unwell server may wait
    without end.
    """
    probe = connection.copy()
    if probe.vendor == "mysql":
        timeouts = ("connect_timeout", "read_timeout", "write_timeout")
        probe.settings_dict["OPTIONS"].update(dict.fromkeys(timeouts, PROBE_TIMEOUT))
        vars(probe)["asking"] = nullcontext  # it needs no seat
    try:
        with probe.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        probe.close()
    return True


class Patience:
    """The seats of a process, and whether its database is known to be away.

    Until `limit` says how many there are, everybody may wait, as in a command.
    """

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._seats = self._free = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._probing = threading.Lock()
        self._was_there = True
        self.away = False

    def limit(self, seats: int) -> None:
        """From here on at most so many threads may wait at a time."""
        self._seats = self._free = seats

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Within it, this thread may wait for the database. Raises Refused."""
        if not self._seats:
            yield
            return
        self._sit_down()
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            if is_away(error):
                self.suspect()
            raise
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify()

    def _sit_down(self) -> None:
        with self._changed:
            if not self._seat_comes(SUSPICIOUS_WAIT):
                self.suspect()
                self._seat_comes(SEAT_WAIT - SUSPICIOUS_WAIT)
            if self.away:
                self.suspect()  # should its thread have died
                raise Refused("the database is away, and one thread asks for it")
            if not self._free:
                raise Busy(f"{self._seats} threads wait for the database already")
            self._free -= 1

    def _seat_comes(self, within: float) -> bool:
        return self._changed.wait_for(lambda: self.away or self._free > 0, within)

    def suspect(self) -> None:
        """The database may be away: have a thread find out, and wait for its return."""
        with self._changed:
            if self._thread and self._thread.is_alive():
                return
            thread = threading.Thread(
                target=self._ask_until_it_answers, name="database-probe", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return  # this machine has no thread to spare: the next failure asks again
            self._thread = thread

    def _ask_until_it_answers(self) -> None:
        while not self._answers():
            went_away("it does not answer a probe")
            self._now(away=True)
            time.sleep(PROBE_EVERY)
        self._now(away=False)

    def _now(self, *, away: bool) -> None:
        with self._changed:
            self.away = away
            self._changed.notify_all()

    def is_there(self) -> bool:
        """Whether the database answers. Only one thread asks it at a time; any other is told what
        the last one heard, so that many who want to know are no load.
        """
        if self.away:
            return False
        if self._probing.acquire(blocking=False):
            try:
                self._was_there = self._answers()
            finally:
                self._probing.release()
        return self._was_there


patience = Patience(answers)
