"""20,000 requests through the whole handler leave the process as they found it."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from debug_toolbar.toolbar import DebugToolbar
from django.conf import settings as site
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.urls import include, path

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("solar_system"),
]

urlpatterns = [
    path("__debug__/", include("debug_toolbar.urls")),
    path("", include(site.ROOT_URLCONF)),
]

CACHE_STATUS = "planets.cache.instruments.cache_status.CacheStatusMiddleware"
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
PANELS = [
    "debug_toolbar.panels.history.HistoryPanel",
    "planets.cache.instruments.panel.CacheAsidePanel",
]
WARM_UP = 100  # rounds, twice: the first look at what is held holds something, too
# What a request may leave. A receiver that is connected for each, and dead after it, leaves three
# objects and 650 bytes.
BLOCKS, BYTES = 0.5, 100
VARIES = 500_000  # bytes, from one time to the next, whatever was asked


class Held(NamedTuple):
    """What the process holds."""

    blocks: int
    memory: int
    threads: int
    descriptors: int
    of_redis: int
    of_database: int


def held(redis: Any) -> Held:
    gc.collect()
    with connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Threads_connected'")
        of_database = int(cursor.fetchone()[1])
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return Held(
        sys.getallocatedblocks(),
        resident * os.sysconf("SC_PAGE_SIZE"),
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        redis.info("clients")["connected_clients"],
        of_database,
    )


class Visitor:
    """Asks the handler as a server does, from the first signal to the last."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.etag = ""

    def get(self, address: str, **headers: str) -> int:
        name, _, query = address.partition("?")
        told: dict[str, Any] = {}

        def start(status: str, sent: list[tuple[str, str]], *args: Any) -> Any:
            told.update(sent, status=int(status[:3]))

        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": name, "QUERY_STRING": query,
            "SERVER_NAME": "testserver", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
            "wsgi.multiprocess": True, "wsgi.run_once": False, **headers,
        }  # fmt: skip
        response = self.handler(environ, start)
        list(response)
        response.close()
        self.etag = told.get("ETag", "")
        return int(told["status"])

    def go_round(self, number: int) -> None:
        """Pages that are cached, one of them known to the visitor; each hundredth is made anew."""
        assert self.get("/planets/3/") == 200
        if self.etag:
            assert self.get("/planets/3/", HTTP_IF_NONE_MATCH=self.etag) == 304
        else:  # the toolbar writes into the page
            assert self.get("/planets/4/") == 200
        assert self.get("/compare/" if number % 100 else f"/?q=search {number % 3}") == 200
        assert self.get("/healthz") == 200


@pytest.fixture
def toolbar(settings: Any) -> Iterator[None]:
    settings.DEBUG = True
    settings.ROOT_URLCONF = __name__
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.DEBUG_TOOLBAR_PANELS = PANELS
    DebugToolbar._panel_classes = None
    yield
    DebugToolbar._panel_classes = None


@pytest.mark.parametrize(
    ("requests", "middleware"),
    [(9_000, ()), (10_000, (CACHE_STATUS,)), (1_000, (TOOLBAR, CACHE_STATUS))],
    ids=["as it is", "Cache-Status", "toolbar"],
)
def test_the_process_holds_what_it_held(
    redis: Any, settings: Any, request: Any, requests: int, middleware: tuple[str, ...]
) -> None:
    if TOOLBAR in middleware:
        request.getfixturevalue("toolbar")
    settings.MIDDLEWARE = [*middleware, *site.MIDDLEWARE]
    visitor = Visitor()
    for _ in range(2):
        for number in range(WARM_UP):
            visitor.go_round(number)
        before = held(redis)
    for number in range(requests // 4):
        visitor.go_round(number)
    after = held(redis)
    assert after.blocks - before.blocks < BLOCKS * requests, (before, after)
    assert after.memory - before.memory < VARIES + BYTES * requests, (before, after)
    assert after[2:] == before[2:]
