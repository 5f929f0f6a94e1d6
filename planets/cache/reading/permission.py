"""Whether a fetch may use the cache at all, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.backends.base.base import BaseDatabaseWrapper

from .. import active
from ..conf import conf
from ..storage.client import client
from ..storage.owners import HEARD, owners
from ..storage.places import primary
from ..writing import hooks
from ..writing.transaction import unsettled
from .lookup import ANY, Lookup

_disabled: ContextVar[bool] = ContextVar("cache_aside_disabled", default=False)

_without_near: ContextVar[bool] = ContextVar("cache_aside_without_near", default=False)


@contextmanager
def disabled() -> Iterator[None]:
    """Within it every fetch of this thread or task goes to the database. Invalidation goes on."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


@contextmanager
def without_near() -> Iterator[None]:
    """Within it no fetch of this thread or task is answered by what its process keeps."""
    token = _without_near.set(True)
    try:
        yield
    finally:
        _without_near.reset(token)


def may_be_near() -> bool:
    """Whether a fetch may be answered by what this process keeps."""
    return conf().NEAR and not _without_near.get()


def forbidden(lookup: Lookup) -> str:
    """Why the cache must neither serve nor fill this lookup now; "" where it may."""
    if not conf().ENABLED or _disabled.get():
        return "caching is disabled"
    if reason := client.misconfigured:
        return reason
    mine = _connections(lookup.alias)
    if reason := (
        hooks.unwatched(*mine)
        or _forbidden_by(mine, lookup.gates, lookup.keys)
        or (next(filter(None, map(owners.strayed, mine)), "") if owners.moved else "")
    ):
        return reason
    owners.meet(lookup.alias)
    return client.avoided or (owners.others and owners.foreign(lookup.gates, within=HEARD)) or ""


def unheard() -> str:
    """Why this thread may have read or written what no tracker hears of; "" where it may not."""
    return hooks.unwatched(*_connections(ANY))


def forbidden_to(gates: Iterable[str], records: Iterable[str]) -> str:
    """Why something computed from these must not be served to this thread; "" where it may."""
    if owners.others and (reason := owners.foreign(gates := tuple(gates))):
        return reason
    return _forbidden_by(_connections(ANY), gates, records)


def written_here(gates: Iterable[str], records: Iterable[str]) -> str:
    """The same, of who is not `forbidden` to look: all that is left is what he has written."""
    return forbidden_to(gates, records) if unsettled or owners.others else ""


def _forbidden_by(
    mine: Iterable[BaseDatabaseWrapper], gates: Iterable[str], records: Iterable[str]
) -> str:
    for connection in mine:
        transaction = hooks.transaction_of(connection)
        if transaction and (reason := transaction.forbids(gates, records)):
            return reason
    return ""


def _connections(alias: str) -> Sequence[BaseDatabaseWrapper]:
    """The connection of an alias, of a replica that of its primary, too; or of ANY, all that this
    thread has.
    """
    if alias == ANY:
        return active.open_connections()
    if shares := primary(alias):
        return active.connection(alias), active.connection(shares)
    return (active.connection(alias),)
