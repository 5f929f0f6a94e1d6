"""The site under ASGI: its synchronous code, and so its database connections, on few threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.core.asgi import get_asgi_application
from django.db import connections
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import include, path

from planetsite.threads import OnFewThreads
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

THREADS = 3


async def native(request: HttpRequest) -> HttpResponse:
    return HttpResponse("native")


urlpatterns = [path("native/", native), path("", include("planetsite.urls"))]


@pytest_asyncio.fixture
async def site(solar_system: None) -> AsyncIterator[OnFewThreads]:
    served = OnFewThreads(get_asgi_application(), THREADS)
    yield served
    for thread in served.threads:
        thread.submit(connections.close_all).result()
        thread.shutdown()


async def ask(
    site: Callable[[Any, Any, Any], Awaitable[None]],
    address: str,
    reads: asyncio.Event | None = None,
    sends: asyncio.Event | None = None,
) -> int:
    """The status of a page, for a client that sends its body, or reads, when it is let."""
    where, _, query = address.partition("?")
    statuses: list[int] = []
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # the client stays
        if sends:
            await sends.wait()
        sent = True
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        if reads:
            await reads.wait()
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": where,
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver")],
    }
    await asyncio.wait_for(site(scope, receive, send), PATIENCE)
    return statuses[0]


async def test_many_requests_at_once_share_few_connections_that_stay(
    redis: Any, site: OnFewThreads
) -> None:
    made = []

    def count(**kwargs: Any) -> None:
        made.append(threading.get_ident())

    connection_created.connect(count)
    try:
        for wave in range(2):
            pages = [ask(site, f"/?q={wave}-{n}") for n in range(30)]
            assert set(await asyncio.gather(*pages)) == {200}
    finally:
        connection_created.disconnect(count)
    assert 1 <= len(set(made)) <= THREADS
    if connections["default"].settings_dict["CONN_MAX_AGE"]:
        assert len(made) == len(set(made))


async def test_a_client_that_sends_or_reads_slowly_holds_no_thread(
    redis: Any, site: OnFewThreads
) -> None:
    read, sent = asyncio.Event(), asyncio.Event()
    slow = [asyncio.create_task(ask(site, "/moons/", reads=read)) for _ in range(2 * THREADS)]
    slow += [asyncio.create_task(ask(site, "/moons/", sends=sent)) for _ in range(2 * THREADS)]
    for n in range(5):
        assert await ask(site, f"/?q={n}") == 200
    assert not any(task.done() for task in slow)
    read.set()
    sent.set()
    assert set(await asyncio.gather(*slow)) == {200}


async def test_the_calls_of_a_request_are_made_by_one_thread(site: OnFewThreads) -> None:
    found: list[set[int]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.append({await sync_to_async(threading.get_ident)() for _ in range(5)})

    of_requests = OnFewThreads(application, THREADS)
    await asyncio.gather(*(of_requests({}, None, None) for _ in range(20)))
    assert {len(threads) for threads in found} == {1}
    assert len(set.union(*found)) <= THREADS


async def test_a_request_goes_to_a_thread_that_is_free(site: OnFewThreads) -> None:
    """Where all but one wait, as for a database, it is the one."""
    go = threading.Event()
    for thread in site.threads[:-1]:
        thread.submit(go.wait, PATIENCE)
    try:
        assert await ask(site, "/healthz") == 200
        assert await ask(site, "/planets/3/") == 200
    finally:
        go.set()


async def test_synchronous_code_may_call_asynchronous_code_and_that_the_other_again() -> None:
    async def inner() -> int:
        return await sync_to_async(threading.get_ident)()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await sync_to_async(async_to_sync(inner))()

    await asyncio.wait_for(OnFewThreads(application, 1)({}, None, None), PATIENCE)


OURS = [
    "planetsite.health.ProbesMiddleware",
    "planets.cache.instruments.cache_status.CacheStatusMiddleware",
    "planetsite.database_away.DatabaseAwayMiddleware",
]


async def test_our_middleware_bounces_no_request_through_a_thread(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROOT_URLCONF = __name__
    calls = []
    call = SyncToAsync.__call__

    async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(self)
        return await call(self, *args, **kwargs)

    async def counted(middleware: list[str]) -> int:
        settings.MIDDLEWARE = middleware
        calls.clear()
        assert (await AsyncClient().get("/native/")).content == b"native"
        return len(calls)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    bare = await counted([])
    assert await counted(OURS) == bare
    # The counting is not blind: a middleware of Django's mixin makes one.
    assert await counted(["django.middleware.gzip.GZipMiddleware"]) == bare + 1
