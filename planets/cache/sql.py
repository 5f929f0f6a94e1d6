"""The tutorial's `fetch`: the rows of a SELECT, cached under its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from .reading import path, row_format
from .reading.rows import Row
from .writing import reader


def fetch(
    sql: str,
    params: Sequence[Any] = (),
    ttl: float | None = None,
    *,
    using: str = DEFAULT_DB_ALIAS,
) -> list[dict[str, Any]]:
    """The rows of a SELECT as dicts, cached under its SQL and gone with a write to its tables.

    `sql` has %s where `params` go, as for a cursor. `ttl` is seconds, by default CACHE_ASIDE's.
    Raises ValueError for anything but a single SELECT.
    """
    statement = reader.read(connections[using].vendor, sql)
    if statement.kind != "read":
        raise ValueError(
            f"fetch() takes a single SELECT, not {sql[:80]!r}; use a cursor, whose writes "
            "invalidate what was cached."
        )
    found, doubt = row_format.lookup(using, sql, params, "dicts", ttl)

    def load(wanted: Sequence[str]) -> dict[str, list[Row]]:
        with connections[using].cursor() as cursor:
            # Without parameters a % is a %, so None and not an empty tuple.
            cursor.execute(sql, params or None)
            names = tuple(column[0] for column in cursor.description)
            return {wanted[0]: [names, *cursor.fetchall()]}

    names, *rows = path.fetch(found, load, doubt)[found.keys[0]]
    return [dict(zip(names, row, strict=True)) for row in rows]
