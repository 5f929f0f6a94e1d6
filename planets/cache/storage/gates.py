"""Gates: which generation of a table is current, or that a write is in flight.

A gate is `o:<token>` (open), `w:<writer>@<deadline>,...` (closed) or missing. Tokens are random and
never counted, because a failover can rewind a counter to a value that entries were filled under.
The gate of everything is `o:<token>@<run>@<owner>`: in which run of the server it was opened, and
for which database of that name. On a Redis Cluster each gate carries its run: see stamps.py.
A lease, in the same words, is a gate for one record: see leases.py.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from ..conf import conf
from .keys import GATE_MS, is_database_gate
from .owners import owners
from .scripts import script
from .slots import clustered
from .wire import Command

TOKEN = 16  # characters of a token


def token() -> str:
    """64 random bits: no two generations, leases or writers share a name."""
    return secrets.token_hex(TOKEN // 2)


def close(gate: str, writer: str) -> Command:
    """Until `open`, or the deadline, nobody may be served or fill from behind this gate."""
    return script("hold", [gate], writer, round(conf().WRITE_DEADLINE * 1000))


def open(gate: str, writer: str) -> Command:
    """Ends the writer's hold; what was filled before is unreachable from now on."""
    return script("hold", [gate], writer, 0)


def admit(gate: str) -> Command:
    """Replies the gate as it is now; opens a new generation where it is missing."""
    if is_database_gate(gate):
        return script("admit", [gate], token(), GATE_MS, "run", owners.of(gate))
    return script("admit", [gate], token(), GATE_MS, "run" if clustered() else "", "")


def generation(reply: object) -> str | None:
    """The token of an open gate, None for a closed or missing one (or anything else)."""
    return _generation(reply) if isinstance(reply, bytes) else None


@lru_cache(maxsize=1024)
def _generation(reply: bytes) -> str | None:
    return reply[2 : 2 + TOKEN].decode("ascii", "replace") if reply[:2] == b"o:" else None


def is_closed(reply: object) -> bool:
    """A writer holds it; what names none is not ours, and nobody would ever open it."""
    return isinstance(reply, bytes) and reply[:2] == b"w:" and b"@" in reply
