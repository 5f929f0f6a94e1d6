"""Round trips to Redis of this thread or task: who stands between them and the server.

A tap is handed the usual way and the commands, and may time them, or refuse them. It hears of
nobody else's round trips, so one request can do without Redis and the next one notices nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from asgiref.local import Local

from ..storage.client import Exchange, client
from ..storage.errors import Unavailable
from ..storage.wire import Command, Reply

Tap = Callable[[Exchange, Sequence[Command]], list[Reply]]

# The taps of the request that this thread, or task, serves.
_current = Local()
# The client is changed only while there are taps, and once for all of them: two who change it and
# end in another order than they began would leave one of their ways behind.
_taps = 0
_lock = threading.Lock()
_changed = ExitStack()


@contextmanager
def tapped(tap: Tap) -> Iterator[None]:
    """Within it every round trip of this thread or task is `tap(usual, commands)`."""
    global _taps
    before = _here()
    with _lock:
        _taps += 1
        if _taps == 1:
            _changed.enter_context(client.through(_exchange))
    _current.taps = (*before, tap)
    try:
        yield
    finally:
        _current.taps = before
        with _lock:
            _taps -= 1
            if not _taps:
                _changed.close()


@contextmanager
def redis_away() -> Iterator[None]:
    """Within it this thread or task finds Redis gone, and nobody else does.

    It is no failure that counts: the breaker of the process hears nothing of it. Only for reads:
    a write that cannot tell what went stale would keep the whole process from its cache.
    """

    def refuse(usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
        raise Unavailable("Redis was taken away from this request")

    with tapped(refuse):
        yield


def _here() -> tuple[Tap, ...]:
    return getattr(_current, "taps", ())


def _exchange(usual: Exchange, commands: Sequence[Command]) -> list[Reply]:
    for tap in _here():
        usual = partial(tap, usual)
    return usual(commands)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent's may be held, by a thread that is not here


os.register_at_fork(after_in_child=_after_fork)
