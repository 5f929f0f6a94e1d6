"""The tutorial's `fetch`: the rows of a SELECT, cached under its SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from msgspec.structs import replace

from .reading import path, row_format
from .reading.late import late
from .reading.lookup import check_ttl
from .reading.replicas import source
from .reading.rows import Row
from .storage.keys import Params
from .writing import reader


def fetch(
    sql: str,
    params: Iterable[Any] | Mapping[str, Any] | None = None,
    ttl: float | None = None,
    *,
    using: str = DEFAULT_DB_ALIAS,
    max_stale: float = 0,
    stale_if_error: float = 0,
    second_sight: bool = False,
) -> list[dict[str, Any]]:
    """The rows of a SELECT as dicts, cached under its SQL and gone with a write to its tables.

    `sql` has %s where `params` go, or %(name)s where those of a mapping do, as for a cursor. `ttl`
    is seconds, by default CACHE_ASIDE's; what is older is not served, whoever filled it, but to who
    accepts it late: `max_stale` and `stale_if_error` are those of cached(). `second_sight`: kept
    where it is asked for again, as what anybody can vary without end.
    Raises ValueError for anything but a single SELECT and for nonsense in `ttl`, TypeError for what
    are no parameters.
    """
    check_ttl(ttl)
    lateness = late(max_stale, stale_if_error)
    given = _given(params)
    statement = reader.read(connections[using].vendor, sql, bool(given))
    if statement.kind != "read":
        raise ValueError(
            f"fetch() takes a single SELECT, not {sql[:80]!r}; use a cursor, whose writes "
            "invalidate what was cached."
        )
    found, doubt = row_format.lookup(using, sql, given, "dicts", ttl, late=lateness)

    def load(wanted: Sequence[str]) -> dict[str, list[Row]]:
        with connections[source(using)].cursor() as cursor:
            # Without parameters a % is a %, so None and not an empty tuple.
            cursor.execute(sql, given or None)
            names = tuple(column[0] for column in cursor.description)
            return {wanted[0]: [names, *cursor.fetchall()]}

    found = replace(found, second_sight=second_sight)
    names, *rows = path.fetch(found, load, doubt)[found.keys[0]]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _given(params: Any) -> Params:
    """The parameters as they are now: what is asked is what the key says, whoever changes them."""
    if params is None:
        return ()
    if isinstance(params, Mapping):
        return dict(params)
    if isinstance(params, Iterable) and not isinstance(params, str | bytes | bytearray | Set):
        return tuple(params)
    raise TypeError(
        f"params is {params!r:.80}, must be a sequence, in the order of the %s, or a mapping of "
        "names: give [value] for a single value"
    )
