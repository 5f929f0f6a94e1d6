"""/healthz and /readyz, for whatever decides whether this process gets requests."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from planets.cache.storage.client import Unavailable, client

PROBE_TIMEOUT = 2  # seconds; a probe that waits longer than who asks is none


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nobody: a restart mends no database."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where pages can be served: "degraded" without Redis. 503 without the database."""
    database, redis = _database(), _redis()
    status = "ok" if database and redis else "degraded" if database else "unavailable"
    body = {
        "status": status,
        "database": "ok" if database else "away",
        "redis": "ok" if redis else "away",
    }
    return JsonResponse(body, status=200 if database else 503)


def _database() -> bool:
    """Asked over a new connection: one that an unwell server left open can wait without end."""
    probe = connection.copy()
    if probe.vendor == "mysql":
        timeouts = ("connect_timeout", "read_timeout", "write_timeout")
        probe.settings_dict["OPTIONS"].update(dict.fromkeys(timeouts, PROBE_TIMEOUT))
    try:
        with probe.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        probe.close()
    return True


def _redis() -> bool:
    try:
        client.call(("PING",))
    except Unavailable:
        return False
    return True
