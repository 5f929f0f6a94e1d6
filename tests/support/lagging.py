"""What is read where a replica lags: by which connection, and whether positions are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planets.cache.storage import gates, keys
from planets.cache.storage.client import client
from planets.cache.storage.position import UNKNOWN
from planets.cache.writing.observer import witnesses
from planets.cache.writing.statement import Statement
from tests.cache.zoo.electra import both


def position(table: str = "star") -> str:
    """What the gate of a table says, opened where it was not."""
    (reply,) = client.call(gates.admit(keys.gate("default", table)))
    return gates.position(reply)


def aliases_read(read: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What it gives, and over which connections it was loaded."""
    found: list[str] = []

    def witness(alias: str, statement: Statement, *args: Any) -> Any:
        if statement.tables:
            found.append(alias)
        return args[-1]()

    witnesses.append(witness)
    try:
        return read(), found
    finally:
        witnesses.remove(witness)


def known(table: str = "star") -> None:
    """All positions are known, as after some traffic."""
    both()
    assert position(table) != UNKNOWN
