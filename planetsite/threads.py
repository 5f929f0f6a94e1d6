"""The threads of an ASGI server's process that synchronous code runs on: so many, and no more.

Django gives each request a thread of its own, which ends with the request. A database connection
belongs to a thread, so each request would connect anew, CONN_MAX_AGE would mean nothing, and there
would be as many connections as requests at a time. Here, too, a request's synchronous calls are all
made by one thread, as Django demands, but it is one of a few that stay, with their connections.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Thread(ThreadPoolExecutor):
    """One thread, and how many calls it has yet to finish."""

    def __init__(self, name: str) -> None:
        super().__init__(max_workers=1, thread_name_prefix=name)
        self.calls = 0
        self._lock = threading.Lock()

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._count(1)
        done = super().submit(call, *args, **kwargs)
        done.add_done_callback(lambda _: self._count(-1))
        return done

    def _count(self, change: int) -> None:
        with self._lock:
            self.calls += change


class OfOneRequest(Executor):
    """The thread of one request, chosen when it makes its first call: the least busy.

    Not before, and it is no request's own: a client that sends or reads slowly would hold it.
    """

    def __init__(self, threads: list[Thread]) -> None:
        self._threads = threads
        self._mine: Thread | None = None

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._mine is None:
            self._mine = min(self._threads, key=lambda thread: thread.calls)
        return self._mine.submit(call, *args, **kwargs)


class OnFewThreads:
    """The ASGI application, its synchronous code on `count` threads."""

    def __init__(self, application: Application, count: int) -> None:
        self.application = application
        self.threads = [Thread(f"pages-{number}") for number in range(count)]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=OfOneRequest(self.threads)):
            await self.application(scope, receive, send)
