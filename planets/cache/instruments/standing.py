"""The gates of the tables that there are, as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.apps import apps
from django.db import connections

from ..storage import gates, keys, places
from .nodes import asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A table's gate. Where it is missing, nothing that reads the table is cached."""

    alias: str
    table: str
    gate: str
    state: Literal["open", "closed", "missing"]


def databases() -> list[str]:
    """The aliases, each database by the first that names it."""
    return list(dict.fromkeys(map(places.database, connections)))


def gates_of_tables() -> dict[str, tuple[str, str]]:
    """Every gate of a table of the installed models, with its database's alias and the table."""
    tables = sorted({m._meta.db_table.lower() for m in apps.get_models(include_auto_created=True)})
    return {keys.gate(alias, table): (alias, table) for alias in databases() for table in tables}


def standings() -> list[Standing]:
    """How these gates stand. Raises Unavailable."""
    known = gates_of_tables()
    with asking() as redis:
        # Singly and not by MGET, for a cluster's sake.
        pipeline = redis.pipeline(transaction=False)
        for gate in known:
            pipeline.get(gate)
        replies = pipeline.execute(raise_on_error=False)
    return [
        Standing(alias=alias, table=table, gate=gate, state=_state(reply))
        for (gate, (alias, table)), reply in zip(known.items(), replies, strict=True)
    ]


def present() -> list[Standing]:
    """Those that are there. Raises Unavailable."""
    return [found for found in standings() if found.state != "missing"]


def _state(reply: object) -> Literal["open", "closed", "missing"]:
    if gates.generation(reply):
        return "open"
    return "closed" if gates.is_closed(reply) else "missing"
