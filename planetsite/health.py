"""/healthz, /readyz and /metrics, for whatever decides whether this process gets requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from planets.cache.conf import conf
from planets.cache.instruments.metrics import metrics
from planets.cache.instruments.nodes import away
from planets.cache.native import NativeMiddleware
from planets.cache.storage.client import Unavailable, client
from planets.cache.storage.slots import clustered
from planets.cache.watching.state import trouble

from .patience import patience


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nobody: a restart mends no database."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where pages can be served: "degraded" without Redis, or a watcher that there should be.

    503 without the database. Of a Redis Cluster the nodes are named that do not answer.
    """
    database, redis = patience.is_there(), _redis()
    nodes = away() if clustered() else {}
    watcher = _watcher()
    well = database and redis and not nodes and not watcher
    body: dict[str, Any] = {
        "status": "ok" if well else "degraded" if database else "unavailable",
        "database": "ok" if database else "away",
        "redis": "ok" if redis else "away",
    }
    if nodes:
        body["redis_nodes_away"] = sorted(nodes)
    if conf().WATCH_LAG:
        body["watcher"] = watcher or "ok"
    return JsonResponse(body, status=200 if database else 503)


def _redis() -> bool:
    try:
        client.call(("PING",))
    except Unavailable:
        return False
    return True


def _watcher() -> str:
    """What is wrong with it; "" where nothing is, or where it can say nothing."""
    try:
        return trouble()
    except Unavailable:
        return "unknown" if conf().WATCH_LAG else ""


class ProbesMiddleware(NativeMiddleware):
    """Answers what machines ask, before anything else looks at the request. It stands first.

    They call a process by its address and without TLS, so neither ALLOWED_HOSTS nor the redirect to
    https is for them; and what the rest of the site may wait for, they must not.
    """

    PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {  # noqa: RUF012
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
    }

    def __call__(self, request: HttpRequest) -> Any:
        probe = self.PROBES.get(request.path_info)
        if self.async_mode:
            return self._acall(request, probe)
        return probe(request) if probe else self.get_response(request)

    async def _acall(
        self, request: HttpRequest, probe: Callable[[HttpRequest], HttpResponse] | None
    ) -> HttpResponse:
        if probe is healthz:
            return healthz(request)
        if probe:
            # Not on the threads of pages, which may all be waiting.
            return await sync_to_async(probe, thread_sensitive=False)(request)
        response: HttpResponse = await self.get_response(request)
        return response
