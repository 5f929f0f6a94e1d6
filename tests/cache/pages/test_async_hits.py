"""A page over ASGI: what waits for Redis runs in the request's thread, and is called there once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.test import AsyncRequestFactory

from planets.cache.pages.middleware import PageCacheMiddleware
from tests.cache.zoo.marked import of_async

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


class Counting(ThreadPoolExecutor):
    """One thread, and how often it was called."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.calls = 0

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        return super().submit(call, *args, **kwargs)


async def answer(**headers: str) -> tuple[HttpResponseBase, int]:
    """The page, and how many calls in a thread it took."""

    async def get_response(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await of_async(request)
        return response

    middleware = PageCacheMiddleware(get_response)
    with Counting() as thread:
        async with ThreadSensitiveContext(executor=thread):
            request = AsyncRequestFactory().get("/async/", headers=headers)
            response = await middleware(request)
            calls = thread.calls
            thread.submit(connections.close_all).result()  # the thread ends with its connection
        return response, calls


@pytest.mark.asyncio
@pytest.mark.usefixtures("async_database")
async def test_a_hit_and_a_304_are_one_call_each(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.cache.zoo.marked"
    settings.ALLOWED_HOSTS = ["*"]
    await answer()
    for _ in range(3):
        response, calls = await answer()
        assert (response.status_code, calls) == (200, 1)
    response, calls = await answer(if_none_match=response.headers["ETag"])
    assert (response.status_code, calls) == (304, 1)
