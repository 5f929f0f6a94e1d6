"""What visitors get while the database is away."""

import logging
import threading
from typing import Any

from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from planets.cache.native import NativeMiddleware
from planets.cache.reading.away import DatabaseAway, is_away

logger = logging.getLogger(__name__)
busy = logging.getLogger(f"{__name__}.busy")

RETRY_AFTER = 10  # seconds; a restart or a failover takes about that
# Set from the first time that the database is found away to the next connection that is made.
_outage = threading.Event()


class Refused(DatabaseAway):
    """Nothing was sent to the database, which is known to be away."""


class Busy(Refused):
    """Nothing was sent to the database, as too many threads wait for it already."""


class DatabaseAwayMiddleware(NativeMiddleware):
    """Answers 503 with Retry-After while the database cannot be reached.

    The log gets a line when that begins and one when it ends, not one a request.
    Other database errors, such as a missing column, are faults of the site and stay a 500.
    """

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
