"""Loads that a router has sent to a replica, none of them older than the last write to its tables.

A writer asks the primary how far it has come after his COMMIT, and opens his gates with that
position (writing/transaction.py). Whoever opens a new generation there carries it on. So:

    1. look, claim   gates and generations, as ever; in the same reply each gate's position
    2. wait          over the replica's connection that the load will use, until the replica has
                     applied the furthest of them, REPLICA_WAIT at most
    3. load          from the replica; or else from the primary
    4. fill          as ever: a write since 1 has taken the generation away

What committed before a gate was opened is not after its position, so no fill is older than its
generation. The races:

    two writers at once      the gate keeps the further position of both; where one of them does not
                             know his (another program's invalidation, invalidate(), a writer that
                             died, a debt whose gate is gone), it keeps none
    a write in flight        its gate is closed: the load is the primary's, and not kept
    no position              as after a flush of Redis: the primary's. It is asked for its position
                             after the gates were seen open, so theirs is not after it, and it is
                             noted there under their token: the next load may be the replica's
    a replica that lags      the primary's, and nobody waits for it again for BEHIND
    a failover that loses    positions of before are never reached: the primary's, which notes its
                             own, smaller one in their place
    a failover of Redis      may have lost a later writer: a gate that was closed in another run of
                             its server keeps none (gates.py)
    Redis away               nothing is known: the primary's

What bypasses the cache for the sake of its connection or its SQL reads where the router has sent
it, as old as that is, like all that is not fetched. A SELECT of Django's own in the middle of a
page waits in the same way; where the replica has not caught up by then, it reads what that has, and
the page is not stored (dependencies.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from ..conf import conf
from ..storage import gates
from ..storage.client import client
from ..storage.errors import Unavailable
from ..storage.places import primary
from ..storage.position import UNKNOWN, order_of
from ..writing import hooks
from ..writing.primary import position_for_gates
from .applied import did_not_answer, has_applied, tell_once
from .away import is_away
from .lookup import Load, Lookup, Seen

# Whether loads of this thread or task read the primary, whatever their alias.
_from_primary: ContextVar[bool] = ContextVar("cache_aside_from_primary", default=False)


def source(alias: str) -> str:
    """The alias that a load for this one reads from."""
    return (_from_primary.get() and primary(alias)) or alias


@contextmanager
def from_primary() -> Iterator[None]:
    """Within it loads read the primary, whatever their alias."""
    token = _from_primary.set(True)
    try:
        yield
    finally:
        _from_primary.reset(token)


def routed(lookup: Lookup, seen: Seen, outcome: str, load: Load) -> Load:
    """The load, reading the primary where what it would find on a replica may be too old."""
    if not primary(lookup.alias):
        return load

    def load_fresh(wanted: Sequence[str]) -> dict[str, Any]:
        if _may_read_replica(lookup, seen, outcome):
            try:
                return load(wanted)
            except (DatabaseError, InterfaceError) as error:
                if connections[lookup.alias].in_atomic_block or not is_away(error):
                    raise
                did_not_answer(lookup.alias, error)
        elif seen.positions and None not in seen.generations:
            found = zip(seen.generations, seen.positions, strict=True)
            note_position(lookup.alias, dict(zip(lookup.gates, found, strict=True)))
        with from_primary():
            return load(wanted)

    return load_fresh


def _may_read_replica(lookup: Lookup, seen: Seen, outcome: str) -> bool:
    if outcome == "bypass":
        return _is_as_old_as_it_may(lookup)
    if outcome != "miss" or None in seen.generations or not seen.positions:
        return False
    if lookup.shelf.kind == "record" and any(map(conf().hot, lookup.tables)):
        return False  # a write of hot columns alone moves a gate that no record stands behind
    return has_applied(lookup.alias, seen.positions)


def _is_as_old_as_it_may(lookup: Lookup) -> bool:
    """Whether what bypasses the cache is to be read where the router has sent it."""
    mine = hooks.transaction_of(connections[lookup.alias])
    if mine and mine.forbids((), ()):
        return True  # no other connection sees what this one does
    theirs = hooks.transaction_of(connections[primary(lookup.alias)])
    if theirs and theirs.has_touched(lookup.gates, lookup.keys):
        return False  # the replica cannot have what this thread has written and not committed
    return not client.avoided


def note_position(alias: str, found: Mapping[str, tuple[str | None, str]]) -> str:
    """Ask the primary of a replica for its position, and note it in these gates where theirs is not
    known, or of before a failover. Each has the generation and the position that it was seen with.

    Returns the position, UNKNOWN where the primary tells none.
    """
    connection: Any = connections[primary(alias)]
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError):
        return UNKNOWN  # the load that follows meets the same, and tells
    now = position_for_gates(connection)
    if now == UNKNOWN:
        tell_once(
            f"The database {connection.alias!r} does not tell its GTIDs, so it is asked for all "
            f"that could be read from its replica {alias!r}: manage.py check --deploy says more"
        )
        return UNKNOWN
    stamps = [
        gates.stamp(gate, generation, now)
        for gate, (generation, had) in found.items()
        if generation and (had == UNKNOWN or order_of(had) > order_of(now))
    ]
    if stamps:
        with suppress(Unavailable):
            client.call(*stamps)
    return now
