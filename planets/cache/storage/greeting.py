"""What a server is asked before it is believed: on every new connection, and again each second.

    Which run is this?     A server that was restarted from a file, or promoted from a replica, may
                           have forgotten the last invalidations. The gate of everything carries
                           the run that it was opened in, so one of another run is known, and what
                           stands behind it goes out of reach. Every fetch reads that gate, so it
                           is the last key to be evicted; where it is, all is unreachable anyway.
    Whose is it?           Another database of the same name may use it: see owners.py.
    Does it take writes?   One that serves reads alone (a replica, a full disk, an ACL) cannot be
                           told what is stale. So it deletes a few keys, where nothing ever is.

The run is the replication id: a new one at each start and at each promotion, so that a server that
was demoted and promoted again is another run, too. Where INFO is forbidden no run is known; then a
new connection is to nobody that we know, and what was cached before it goes out of reach.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence

from django.db import connections

from . import gates, keys, leases
from .owners import LAPSE, owners
from .scripts import script
from .slots import SLOTS, name_in, slot_of
from .wire import Command, Reply

logger = logging.getLogger(__name__)

UNKNOWN = b""  # the run of a server that does not tell
NO_ROW = -1  # of a record that nobody has

ONE_UNKNOWN = "each new connection makes all that is cached unreachable"
CLUSTER_UNKNOWN = "what a failover makes it forget may be stale until its TTL ends"

_told: set[str] = set()


def greeting(*, new: bool) -> Command:
    """The question; `new` where a connection was just made. Replies the run: see lua/recall.lua."""
    everything = _everything()
    return script(
        "recall",
        [*everything, *map(keys.owner, everything), *_nowhere()],
        len(everything),
        "new" if new else "again",
        round(LAPSE * 1000),
        *map(owners.of, everything),
    )


def of_node(owns: Callable[[int], bool], *, new: bool) -> list[Command]:
    """The question to a node of a Redis Cluster, which has the slots that `owns` says.

    A script reads keys of one slot alone, so there is one for each gate of everything that this
    node has, or one for none.
    """
    asked = [gate for gate in _everything() if owns(slot_of(gate))]
    if not asked:
        slot = next(filter(owns, range(SLOTS)))
        nothing = keys.late(name_in(slot))
        return [script("recall", [nothing], 0, "new" if new else "again", round(LAPSE * 1000))]
    return [
        script(
            "recall",
            [gate, keys.owner(gate), keys.late(gate)],
            1,
            "new" if new else "again",
            round(LAPSE * 1000),
            owners.of(gate),
        )
        for gate in asked
    ]


def hear_node(asked: Sequence[Command], replies: Sequence[Reply]) -> bytes:
    """What a node says of itself and of its data; returns its run."""
    run: bytes = replies[0][0]
    for (_, _, _, gate, *_), (_, *told) in zip(asked, replies, strict=True):
        owners.hear([gate], told)
    _tell_unknown(run, CLUSTER_UNKNOWN)
    return run


def hear(reply: Reply) -> None:
    """What the server says of its data; say once where it does not tell its run."""
    run, *told = reply if isinstance(reply, list) else [reply]
    owners.hear(_everything(), told)
    _tell_unknown(run, ONE_UNKNOWN)


def _tell_unknown(run: Reply, so: str) -> None:
    if run == UNKNOWN and "run" not in _told:
        _told.add("run")
        logger.warning(
            "Redis does not tell which run it is, so %s. "
            "Permit INFO to its user: ACL SETUSER <user> +info",
            so,
        )


def rehearsal() -> list[Command]:
    """One of each command of a fetch: what is refused of these would be refused on a page."""
    alias = next(iter(connections))
    token = secrets.token_hex(8)
    entry = keys.sql(alias, "", (), "")
    at_once = leases.Expiry("PEXPIRE", 1)
    commands = [
        ("GET", entry),
        ("MGET", keys.database_gate(alias), keys.gate(alias, "")),
        gates.admit(keys.gate(alias, "")),
        leases.claim(entry, token),
        leases.fill("fill_string", entry, token, at_once, ""),
        gates.open(keys.gate(alias, ""), token),
    ]
    for names in keys.RECORDS.values():
        record = names.key(NO_ROW)
        commands += [
            ("HGETALL", record),
            leases.claim(record, token),
            leases.fill("fill_hash", record, token, at_once, "", ""),
        ]
    return commands


def _everything() -> list[str]:
    """The gate of everything of each database."""
    return sorted({gate for alias in connections for gate in keys.database_gates(alias)})


def _nowhere() -> list[str]:
    """A key of each kind that a write invalidates, where nothing is."""
    found = {keys.gate(alias, "") for alias in connections}
    for names in keys.RECORDS.values():
        record = names.key(NO_ROW)
        found |= {keys.lease(record), record}
    return sorted(found)
