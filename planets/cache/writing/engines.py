"""Whether a table takes part in transactions: most do, MyISAM's and MEMORY's do not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ..storage import places

# Engines whose rows nobody sees before COMMIT.
TRANSACTIONAL = frozenset({"innodb", "rocksdb", "tokudb", "ndbcluster"})
ENGINES = (
    "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES "
    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ({})"
)
TRUSTED = 60.0  # seconds: another client may change a table's engine

_known: dict[tuple[str, str], tuple[bool, float]] = {}


def wait_for_commit(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> bool:
    """Whether all of these tables keep what is written to them back until COMMIT.

    Asks the server about those that it has not told of lately.
    """
    if connection.vendor == "sqlite":
        return True
    if connection.vendor != "mysql":
        return False
    database = places.database_name(connection.alias)
    now = time.monotonic()
    names = list(tables)
    known = [_known.get((database, name), (False, 0.0)) for name in names]
    if any(until < now for _, until in known):
        engines = _ask(connection, names)
        for name in names:
            # Two tables may differ in the case of their names alone.
            waits = bool(engines[name]) and engines[name] <= TRANSACTIONAL
            _known[database, name] = waits, now + TRUSTED
        known = [_known[database, name] for name in names]
    return all(waits for waits, _ in known)


def forget() -> None:
    """A table was changed: ask again."""
    _known.clear()


def _ask(connection: Any, names: list[str]) -> dict[str, set[str]]:
    """The engines of the tables of each name, in lower case; none where they cannot be told."""
    engines: dict[str, set[str]] = {name: set() for name in names}
    try:
        # Past Django's wrappers: this is no statement of the application's.
        with connection.connection.cursor() as cursor:
            cursor.execute(ENGINES.format(", ".join(["%s"] * len(names))), names)
            for name, engine in cursor.fetchall():
                engines.setdefault(name.lower(), set()).add((engine or "").lower())
    except connection.Database.Error:
        return {name: set() for name in names}
    return engines
