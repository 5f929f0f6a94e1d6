"""The servers that a fault strikes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from tests.support.relay import Relay
from tests.support.servers import MariaDB, Redis


class Stage:
    """A database, a Redis, and the way to it."""

    def __init__(self, mariadb: MariaDB) -> None:
        self.mariadb = mariadb
        self._opened = ExitStack()
        self.redis = self.another_redis()
        self.relay = self._opened.enter_context(Relay(self.redis.socket))

    def another_redis(self) -> Redis:
        return self._opened.enter_context(Redis(tcp=True))

    @contextmanager
    def direct(self) -> Iterator[Any]:
        """A client that comes by no relay, and may do all."""
        with self.redis.client() as client:
            yield client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()


@contextmanager
def again_and_again(act: Callable[[], Any], pause: float) -> Iterator[None]:
    """Within it a thread acts, pauses for so many seconds, acts again."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(pause):
            act()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def wait_for(state: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not state():
        if time.monotonic() > give_up:
            raise RuntimeError("a fault could not be set up within 30 s")
        time.sleep(0.02)
