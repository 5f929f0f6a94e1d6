"""Leases: the right of one caller to load and fill one key.

A filler's lease is `l:<token>`. A write to a record puts its tombstone, a closed gate, in the same
place, so a fill that raced with the write finds that the lease is no longer its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..conf import conf
from . import gates, keys, scripts
from .scripts import script
from .wire import Command


def claim(key: str, token: str) -> Command:
    """Replies who holds the lease now: `l:<token>` if it was free."""
    return script("claim", [keys.lease(key)], f"l:{token}", round(conf().LEASE * 1000))


# A writer's tombstone, or nothing that we know: nobody whose fill is worth waiting for.
NOBODY = ""


def holder(reply: object) -> str:
    """Who holds a lease: a filler's token, or NOBODY."""
    if isinstance(reply, bytes) and reply[:2] == b"l:":
        return reply[2:].decode("ascii", "replace")
    return NOBODY


class Expiry(NamedTuple):
    """PEXPIRE or PEXPIREAT and its milliseconds, and for how many more than none a late copy."""

    command: str
    ms: int
    late_ms: int = 0


def fill(how: str, key: str, token: str, expiry: Expiry, *value: Any) -> Command:
    """Stores by the script `how`, with an expiry, only while the lease is still `token`'s.

    Gives the lease back.
    """
    names = [keys.lease(key), key, *([keys.late(key)] if expiry.late_ms else ())]
    return script(how, names, f"l:{token}", *expiry, *value)


def release(key: str, token: str) -> Command:
    """Gives the lease back without a fill."""
    return script("release", [keys.lease(key)], f"l:{token}")


def close(key: str, writer: str) -> Command:
    """Deletes a record and closes its lease to all fillers until `open`, or the deadline."""
    return script("hold", [keys.lease(key), key], writer, gates.deadline(), 1)


def open(key: str, writer: str) -> Command:
    """Ends the writer's hold on a record's lease."""
    return script("hold", [keys.lease(key), key], writer, 0, 1)


def one_by_one(command: Command) -> list[Command] | None:
    """The same, a key at a time, in this order; None where that is not the same.

    While a slot of a Redis Cluster is on its way, its keys can be on two nodes, and a script on
    several of them is refused (TRYAGAIN) until all have arrived. The tombstone goes first: from
    then on nobody can fill the record that is deleted after it. A fill can only be given up.
    """
    if command[0] != "EVAL":
        return None
    name, text, count, *rest = command
    (first, *others), args = rest[:count], rest[count:]
    if text == scripts.text("hold"):
        return [(name, text, 1, first, *args), *(("DEL", key) for key in others)]
    if text in (scripts.text("fill_string"), scripts.text("fill_hash")):
        return [script("release", [first], args[0])]
    return None
