"""A writer's hold on all that one write touches: gates, and the leases of records.

On one Redis it is one script, for most of what a script costs is to be sent and begun. On a Redis
Cluster, where a script reads keys of one slot alone, it is one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import gates, keys, leases
from .scripts import script
from .slots import clustered
from .wire import Command

# Keys of one script: Lua hands over some thousands at a time, and nobody else is served meanwhile.
MOST = 100


def close(held: Iterable[str], records: Iterable[str], writer: str) -> list[Command]:
    """Close these gates; delete these records and close their leases."""
    if clustered():
        return [
            *(gates.close(gate, writer) for gate in held),
            *(leases.close(key, writer) for key in records),
        ]
    return _by_hundreds(held, records, writer, gates.deadline(), lambda gate: "")


def open(
    held: Iterable[str], records: Iterable[str], writer: str, position: Callable[[str], str]
) -> list[Command]:
    """End the writer's hold on them; `position` is that of the primary, as a gate may tell it."""
    if clustered():
        return [
            *(gates.open(gate, writer, position(gate)) for gate in held),
            *(leases.open(key, writer) for key in records),
        ]
    return _by_hundreds(held, records, writer, 0, position)


def _by_hundreds(
    held: Iterable[str],
    records: Iterable[str],
    writer: str,
    ms: int,
    position: Callable[[str], str],
) -> list[Command]:
    """Scripts that hold all of it for `ms`; 0: no longer."""
    commands = []
    gates_left, records_left = sorted(held), sorted(records)
    while gates_left or records_left:
        some, gates_left = gates_left[:MOST], gates_left[MOST:]
        room = MOST - len(some)
        rows, records_left = records_left[:room], records_left[room:]
        names = [*some, *map(keys.lease, rows)]
        of_gates = [part for gate in some for part in (position(gate), gates.counts(gate))]
        commands.append(
            script("hold", [*names, *rows], writer, ms, len(names), keys.GATE_MS, *of_gates)
        )
    return commands
