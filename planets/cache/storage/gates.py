"""Gates: which generation of a table is current, or that a write is in flight.

A gate is `o:<token>` (open), `w:<writer>@<deadline>,...` (closed) or missing. Tokens are random and
never counted, because a failover can rewind a counter to a value that entries were filled under.
The gate of everything is `o:<token>@<run>@<owner>`: in which run of the server it was opened, and
for which database of that name. On a Redis Cluster each gate carries its run: see stamps.py.
A lease, in the same words, is a gate for one record: see leases.py.

Where the database has replicas, `=<position>` follows the token (or the writers): how far the
primary had come, at least, when the last write was committed. `p:=<position>` is a gate that
writers have left and no reader has opened since. See position.py, and reading/replicas.py. What a
run of a server has forgotten, its positions do not tell: so they hold in that run alone, which
stands before them as `@<run>@`. On one Redis the gate of everything has it and sees to all: it has
no position in another run, and its next one is of then.

Why a gate that is held says it too:

    1. a writer closes the gate, commits, asks for his position, and has not opened it yet
    2. another one closes the same gate, commits behind that position, opens it and is done
    3. the server dies; its replica, which has got 1 and nothing of 2, takes its place
    4. the first one opens the gate there: of all who held it he was the last, it seems
    5. a load asks a replica for his position alone, and may not find what 2 has written

By the run of 1 the new server knows that it need not have heard of all, so 4 leaves no position.
Whoever closes it in this run asks the primary after that, so his is behind all that 3 has lost.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from ..conf import conf
from .keys import GATE_MS, is_database_gate
from .owners import owners
from .position import UNKNOWN, is_position
from .scripts import script
from .slots import clustered
from .wire import Command

TOKEN = 16  # characters of a token


def token() -> str:
    """64 random bits: no two generations, leases or writers share a name."""
    return secrets.token_hex(TOKEN // 2)


def close(gate: str, writer: str) -> Command:
    """Until `open`, or the deadline, nobody may be served or fill from behind this gate."""
    return script("hold", [gate], writer, deadline(), 1, GATE_MS, "", counts(gate))


def deadline() -> int:
    """For how many milliseconds a writer holds what he has closed."""
    return round(conf().WRITE_DEADLINE * 1000)


def open(gate: str, writer: str, position: str = UNKNOWN) -> Command:
    """Ends the writer's hold; what was filled before is unreachable from now on.

    `position` is that of the primary after the write, where the database has replicas.
    """
    return script("hold", [gate], writer, 0, 1, GATE_MS, position, counts(gate))


def admit(gate: str) -> Command:
    """Replies the gate as it is now; opens a new generation where it is missing."""
    owner = owners.of(gate) if is_database_gate(gate) else ""
    return script("admit", [gate], token(), GATE_MS, _in_run(gate), owner)


def _in_run(gate: str) -> str:
    """ "run" where what a gate says is believed in that run of its server alone."""
    return "run" if is_database_gate(gate) or clustered() else ""


def counts(gate: str) -> str:
    """The same of its positions: where there are no replicas nobody gives one."""
    return _in_run(gate) if conf().SAME_AS else ""


def stamp(gate: str, token: str, position: str) -> Command:
    """Notes a position, which the primary gave after the gate was seen open with this token."""
    return script("stamp", [gate], token, position, GATE_MS)


def position(reply: object) -> str:
    """That of an open gate; UNKNOWN where it has none, or what none of ours would have."""
    if not isinstance(reply, bytes) or reply[:2] != b"o:":
        return UNKNOWN
    found = reply.partition(b"=")[2].partition(b"@")[0].decode("ascii", "replace")
    return found if is_position(found) else UNKNOWN


def generation(reply: object) -> str | None:
    """The token of an open gate, None for a closed or missing one (or anything else)."""
    return _generation(reply) if isinstance(reply, bytes) else None


@lru_cache(maxsize=1024)
def _generation(reply: bytes) -> str | None:
    return reply[2 : 2 + TOKEN].decode("ascii", "replace") if reply[:2] == b"o:" else None


def is_closed(reply: object) -> bool:
    """A writer holds it; what names none is not ours, and nobody would ever open it."""
    return isinstance(reply, bytes) and reply[:2] == b"w:" and b"@" in reply


def is_left(reply: object) -> bool:
    """Its writers have left it, with their position, and no reader has opened it since."""
    return isinstance(reply, bytes) and reply[:3] == b"p:="
