"""The states of the cache that a read is measured in."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .. import disabled
from ..storage import breaker
from ..storage.client import Exchange, client
from ..storage.wire import Command, Reply

RETURNS_WITHIN = 10.0  # seconds; the breaker tries twice a second


@dataclass(frozen=True)
class State:
    name: str
    what: str
    enter: Callable[[], AbstractContextManager[None]]
    empties: bool = False  # before each call


@contextmanager
def away() -> Iterator[None]:
    """This process's connections to Redis go to a socket on which nobody listens.

    The configured server is not touched, and other processes notice nothing.
    """
    logger = logging.getLogger(breaker.__name__)
    level = logger.level
    with tempfile.TemporaryDirectory() as directory:
        nobody = Path(directory) / "nobody.sock"

        def exchange(usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
            with Redis(unix_socket_path=str(nobody), retry=Retry(NoBackoff(), 0)) as dead:
                dead.ping()
            raise AssertionError("somebody listens on a socket that does not exist")

        logger.setLevel(logging.ERROR)  # that Redis is away is no news here
        try:
            with client.through(exchange):
                yield
        finally:
            give_up = time.monotonic() + RETURNS_WITHIN
            while client.away and time.monotonic() < give_up:
                time.sleep(0.01)
            logger.setLevel(level)


STATES = (
    State("no cache", "the same read without the cache layer, from the database", disabled),
    State("empty", "a miss: look, claim, load, fill", nullcontext, empties=True),
    State("full", "a hit: the entry was there", nullcontext),
    State("Redis away", "Redis refuses connections, and the breaker is open", away),
)
