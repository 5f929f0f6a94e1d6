"""Which reads go to a replica of the database: those of the public pages, and no others.

The router sends everything to the primary, but what a view of a public page reads for a GET. A page
that is read in a transaction, or by a visitor who has just written, is the primary's too. How old a
replica may be is not decided here: what is fetched from one is as new as from the primary
(planets/cache/reading/replicas.py).
"""

from __future__ import annotations

import random
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest

from planets.cache.native import NativeMiddleware
from planets.cache.pages import own_writes
from planets.cache.reading.applied import is_there

PUBLIC = "planets"  # the app_name of the addresses of all public pages


class Reads:
    """From where the reads of one request come."""

    alias = DEFAULT_DB_ALIAS


_reads: ContextVar[Reads | None] = ContextVar("planetsite_reads", default=None)


class ReplicasMiddleware(NativeMiddleware):
    """Chooses a replica for each public page, the same for all of its reads. A page that is served
    from the cache needs none: it stands after PageCacheMiddleware.
    """

    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self._acall(request)
        token = _reads.set(Reads())
        try:
            return self.get_response(request)
        finally:
            _reads.reset(token)

    async def _acall(self, request: HttpRequest) -> Any:
        token = _reads.set(Reads())
        try:
            return await self.get_response(request)
        finally:
            _reads.reset(token)

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        """What Django calls once the view of an address is known."""
        reads, match = _reads.get(), request.resolver_match
        if reads and match and match.app_name == PUBLIC and request.method in ("GET", "HEAD"):
            reads.alias = chosen()


def chosen() -> str:
    """A replica that answers, the primary where none does."""
    aliases = list(settings.CACHE_ASIDE.get("SAME_AS", ()))
    random.shuffle(aliases)
    return next(filter(is_there, aliases), DEFAULT_DB_ALIAS)


class ReplicasRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        reads = _reads.get()
        if reads is None or connections[DEFAULT_DB_ALIAS].in_atomic_block or own_writes.recent():
            return DEFAULT_DB_ALIAS
        return reads.alias

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        """All are rows of one database, whoever gave them."""
        return True

    def allow_migrate(self, db: str, *args: Any, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
