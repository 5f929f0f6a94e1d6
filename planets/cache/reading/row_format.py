"""The result of a query: where it belongs in Redis, and how it lies there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connections

from ..conf import conf
from ..events import Kind
from ..storage import keys, leases
from ..storage.wire import Command, Reply
from ..writing import hot, reader
from . import codec
from .gated import GatedShelf
from .late import PUNCTUAL, Late
from .lookup import Found, Lookup, oldest
from .rows import SharedRows
from .weight import of_rows, of_values


class RowShelf(GatedShelf):
    """A string `sql:<digest>` for each query's rows."""

    kind: Kind = "sql"

    def read(self, key: str) -> Command:
        return ("GET", key)

    # One command for both: it costs half of what two do.

    def look(self, lookup: Lookup, wanted: Sequence[str]) -> list[Command]:
        return [("MGET", *wanted, *lookup.gates)]

    def sort(self, lookup: Lookup, replies: list[Reply]) -> tuple[Sequence[Reply], list[Reply]]:
        (told,) = replies
        first = len(told) - len(lookup.gates)
        return told[:first], told[first:]

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        if reply is None:
            return None
        entry = codec.decode(key, reply, max_bytes=conf().MAX_BYTES)
        rows = SharedRows(entry.rows) if conf().NEAR else entry.rows
        return Found(rows, entry.generation, entry.expires, len(reply), entry.load_ms, entry.filled)

    def weigh(self, key: str, found: Found) -> int:
        if isinstance(found.value, SharedRows):
            found.value.kept_as = key
        return of_rows(found.value) + of_values(found.generation)

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: leases.Expiry, found: Found
    ) -> Command:
        entry = codec.Entry(
            generation=found.generation,
            expires=found.expires,
            filled=found.filled,
            load_ms=found.load_ms or 0.0,
            tables=lookup.tables,
            sql=lookup.sql,
            rows=found.value,
        )
        value = codec.encode(
            key, entry, compress_above=conf().COMPRESS_ABOVE, max_bytes=conf().MAX_BYTES
        )
        return leases.fill("fill_string", key, token, expiry, value)


SHELF = RowShelf()

# The key of what has none, because it is not to be cached.
NO_KEY = ""


def lookup(
    alias: str,
    sql: str,
    params: keys.Params,
    shape: str,
    ttl: float | None = None,
    expire_at: datetime | None = None,
    late: Late = PUNCTUAL,
) -> tuple[Lookup, str]:
    """Where the result of a SELECT belongs, and why it must not be cached ("" where it may).

    `shape` tells apart what is kept of the same SQL: one row or all, how many columns, dicts.
    """
    statement = reader.read(connections[alias].vendor, sql, bool(params))
    doubt = statement.doubt
    if statement.kind != "read":
        doubt = doubt or "it is not a SELECT"
    names = tuple(sorted(statement.tables))
    key = NO_KEY
    if not doubt:
        try:
            key = keys.sql(alias, sql, params, shape)
        except keys.UntellableParameter as error:
            doubt = str(error)
    return _lookup(alias, key, names, sql, ttl, expire_at, late, params), doubt


def lookup_of(alias: str, key: str, entry: codec.Entry) -> Lookup:
    """Where a stored entry belongs, if it is one of this database."""
    return _lookup(alias, key, entry.tables, entry.sql)


def _lookup(
    alias: str,
    key: str,
    names: tuple[str, ...],
    sql: str,
    ttl: float | None = None,
    expire_at: datetime | None = None,
    late: Late = PUNCTUAL,
    params: keys.Params = (),
) -> Lookup:
    tables = [keys.gate(alias, name) for name in names]
    return Lookup(
        shelf=SHELF,
        alias=alias,
        keys=(key,),
        gates=(
            keys.database_gate(alias, beside=tables[0] if tables else key),
            *tables,
            *hot.gates_read(alias, sql, names),
        ),
        tables=names,
        sql=sql,
        ttl=ttl,
        expire_at=expire_at,
        max_age=None if expire_at else oldest(ttl),
        late=late,
        params=params,
    )
