"""Whether a fetch may use the cache at all, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

from ..conf import conf
from ..storage.client import client
from ..writing import hooks
from .lookup import Lookup

_disabled: ContextVar[bool] = ContextVar("cache_aside_disabled", default=False)


@contextmanager
def disabled() -> Iterator[None]:
    """Within it every fetch of this thread or task goes to the database. Invalidation goes on."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


def forbidden(lookup: Lookup) -> str:
    """Why the cache must neither serve nor fill this lookup now; "" where it may."""
    if not conf().ENABLED or _disabled.get():
        return "caching is disabled"
    if reason := client.misconfigured:
        return reason
    connection = connections[lookup.alias]
    if reason := hooks.unwatched(connection):
        return reason
    transaction = hooks.transaction_of(connection)
    if transaction and (reason := transaction.forbids(lookup.gates, lookup.keys)):
        return reason
    if client.away:
        return "Redis is away"
    return ""
