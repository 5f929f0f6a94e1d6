"""Another process of the site, which does what it is told."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.test.utils import override_settings

from .waiting import PATIENCE


class Another:
    """It is forked from this one, and has connections of its own."""

    def __init__(self) -> None:
        connections.close_all()
        context = multiprocessing.get_context("fork")
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=_obey, args=[theirs], daemon=True)
        self._process.start()

    def do(self, function: Callable[..., Any], *args: Any) -> Any:
        """What the function, one of a module, gives there."""
        self._mine.send((function, args))
        assert self._mine.poll(PATIENCE), "it hangs"
        result = self._mine.recv()
        if isinstance(result, BaseException):
            raise result
        return result

    def end(self) -> None:
        self._mine.close()
        self._process.kill()
        self._process.join()


def _obey(orders: Any) -> None:
    while True:
        function, args = orders.recv()
        try:
            orders.send(function(*args))
        except Exception as error:
            orders.send(error)


@contextmanager
def another_process(**cache_aside: Any) -> Iterator[Another]:
    """One that is forked now, with these settings besides."""
    other = Another()
    try:
        if cache_aside:
            other.do(_set, {**settings.CACHE_ASIDE, **cache_aside})
        yield other
    finally:
        other.end()


def _set(cache_aside: dict[str, Any]) -> None:
    override_settings(CACHE_ASIDE=cache_aside).enable()
