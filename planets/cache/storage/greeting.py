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

from django.db import connections

from . import gates, keys, leases
from .owners import LAPSE, owners
from .scripts import script
from .wire import Command, Reply

logger = logging.getLogger(__name__)

UNKNOWN = b""  # the run of a server that does not tell
NO_ROW = -1  # of a record that nobody has

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


def hear(reply: Reply) -> None:
    """What the server says of its data; say once where it does not tell its run."""
    run, *told = reply if isinstance(reply, list) else [reply]
    owners.hear(_everything(), told)
    if run == UNKNOWN and "run" not in _told:
        _told.add("run")
        logger.warning(
            "Redis does not tell which run it is, so each new connection makes all that is cached "
            "unreachable. Permit INFO to its user: ACL SETUSER <user> +info"
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
    return sorted({keys.database_gate(alias) for alias in connections})


def _nowhere() -> list[str]:
    """A key of each kind that a write invalidates, where nothing is."""
    found = {keys.gate(alias, "") for alias in connections}
    for names in keys.RECORDS.values():
        record = names.key(NO_ROW)
        found |= {keys.lease(record), record}
    return sorted(found)
