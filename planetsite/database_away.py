"""What visitors get while the database is away."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)
busy = logging.getLogger(f"{__name__}.busy")

RETRY_AFTER = 10  # seconds; a restart or a failover takes about that
# MySQL's numbers for "no server, no connection": cannot connect (2002, 2003), unknown host
# (2005), gone or lost in the middle (2006, 2013), too many connections (1040, 1203), shutting
# down (1053).
AWAY = {1040, 1053, 1203, 2002, 2003, 2005, 2006, 2013}
AWAY_SQLITE = {"unable to open database file", "database is locked"}

# Set from the first time that the database is found away to the next connection that is made.
_outage = threading.Event()


class Refused(DatabaseError):
    """Nothing was sent to the database, which is known to be away.

    Not an OperationalError: after one of those, a write may or may not have been done.
    """


class Busy(Refused):
    """Nothing was sent to the database, as too many threads wait for it already."""


class DatabaseAwayMiddleware:
    """Answers 503 with Retry-After while the database cannot be reached.

    The log gets a line when that begins and one when it ends, not one a request.
    Other database errors, such as a missing column, are faults of the site and stay a 500.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)  # a response, or under ASGI what it can be awaited of

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_away(exception):
            return None
        if isinstance(exception, Busy):
            busy.warning("Pages are refused: %s", exception)
        elif not isinstance(exception, Refused):  # who has found it away has told
            went_away(exception)
        response = render(request, "503.html", status=503)
        response["Retry-After"] = str(RETRY_AFTER)
        return response


def is_away(exception: Exception) -> bool:
    if not isinstance(exception, OperationalError):
        return isinstance(exception, InterfaceError | Refused)
    reason = exception.args[0] if exception.args else ""
    return reason in AWAY or str(reason) in AWAY_SQLITE


def went_away(why: Exception | str) -> None:
    if not _outage.is_set():
        _outage.set()
        logger.error("The database is away: %s", why)


def connected(**kwargs: Any) -> None:
    """Receiver of connection_created."""
    if _outage.is_set():
        _outage.clear()
        logger.warning("The database is back")


connection_created.connect(connected)
