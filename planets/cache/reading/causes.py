"""Why an entry that lies in Redis is no hit, in words."""

from __future__ import annotations

from collections.abc import Container, Iterable

from ..storage import keys

TOO_OLD = "it is older than its reader accepts"


def of_gate(gate: str, *, closed: bool) -> str:
    """A gate has not the generation any more that the entry was filled under.

    The end of a write leaves no gate, until the next reader opens one: that, too, is a change.
    """
    behind = keys.behind(gate)
    table, _, rows = behind.partition("#")
    if behind == "*":
        return "all of the database was invalidated"
    if rows:
        return f"the records of table {table} were invalidated"
    return f"table {table} is being written" if closed else f"table {table} was written"


def of_gates(told: Iterable[tuple[str, str | None, str | None]], closed: Container[str]) -> str:
    """The first of (gate, generation of the entry, generation now) that differs."""
    return next((of_gate(g, closed=g in closed) for g, had, now in told if had != now), "")


def of_record(record: str, now: str | None) -> str:
    """A record is not the one any more that the entry was computed from."""
    return f"record {record} was filled anew" if now else f"record {record} was written, or ended"
