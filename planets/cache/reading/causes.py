"""Why an entry that lies in Redis is no hit, in words."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from ..storage import keys


class Cause(NamedTuple):
    """What has changed since an entry was filled."""

    told: str
    ground: str = ""  # the gate or the record that is not as it was
    filled: float = 0.0  # when the entry was, in Unix time


TOO_OLD = Cause("it is older than its reader accepts")


def of_gate(gate: str, *, closed: bool) -> str:
    """A gate has not the generation any more that the entry was filled under.

    The end of a write leaves no gate, until the next reader opens one: that, too, is a change.
    """
    behind = keys.behind(gate)
    table, _, part = behind.partition("#")
    if behind == "*":
        return "all of the database was invalidated"
    if part == "rows":
        return f"the records of table {table} were invalidated"
    table = f"{table}, its hot columns," if part else table
    return f"table {table} is being written" if closed else f"table {table} was written"


def of_gates(
    told: Iterable[tuple[str, str | None, str | None]], closed: Container[str]
) -> Cause | None:
    """The first of (gate, generation of the entry, generation now) that differs."""
    changed = (gate for gate, had, now in told if had != now)
    return next((Cause(of_gate(gate, closed=gate in closed), gate) for gate in changed), None)


def of_record(record: str, now: str | None) -> str:
    """A record is not the one any more that the entry was computed from."""
    return f"record {record} was filled anew" if now else f"record {record} was written, or ended"
