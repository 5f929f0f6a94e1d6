"""Query results under the key of their SQL: how they lie in Redis, and the tutorial's `fetch`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from . import aside, codecs, keys, lease, tables
from .aside import Found, Lookup
from .client import Command, Reply
from .conf import conf
from .rows import Row, SharedRows
from .signals import Kind


class SqlShelf:
    """A string `sql:<digest>` for each query result."""

    kind: Kind = "sql"

    def read(self, key: str) -> Command:
        return ("GET", key)

    def decode(self, reply: Reply) -> Found | None:
        if reply is None:
            return None
        entry = codecs.decode(reply, max_bytes=conf().MAX_BYTES)
        rows = SharedRows(entry.rows) if conf().NEAR else entry.rows
        plain = codecs.plain_bytes(reply)
        return Found(rows, entry.generation, entry.expires, len(reply), entry.load_ms, plain)

    def behind(self, lookup: Lookup, absent: bool) -> slice:
        return slice(None)

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: tuple[str, int], found: Found
    ) -> Command:
        entry = codecs.Entry(
            generation=found.generation,
            expires=found.expires,
            load_ms=found.load_ms or 0.0,
            tables=lookup.tables,
            sql=lookup.sql,
            rows=found.value,
        )
        value = codecs.encode(
            entry, compress_above=conf().COMPRESS_ABOVE, max_bytes=conf().MAX_BYTES
        )
        return lease.fill("fill_string", key, token, expiry, value)


SHELF = SqlShelf()

# The key of what has none, because it is not to be cached.
NO_KEY = ""


def lookup(
    alias: str,
    sql: str,
    params: Sequence[Any],
    shape: str,
    ttl: float | None = None,
    expire_at: datetime | None = None,
) -> tuple[Lookup, str]:
    """Where the result of a SELECT belongs, and why it must not be cached ("" where it may)."""
    statement = tables.read(connections[alias].vendor, sql)
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
    return _lookup(alias, key, names, sql, ttl, expire_at), doubt


def place(alias: str, key: str, entry: codecs.Entry) -> Lookup:
    """Where a stored entry belongs, if it is one of this database."""
    return _lookup(alias, key, entry.tables, entry.sql)


def _lookup(
    alias: str,
    key: str,
    names: tuple[str, ...],
    sql: str,
    ttl: float | None = None,
    expire_at: datetime | None = None,
) -> Lookup:
    return Lookup(
        shelf=SHELF,
        alias=alias,
        keys=(key,),
        gates=(keys.everything(alias), *(keys.gate(alias, name) for name in names)),
        tables=names,
        sql=sql,
        ttl=ttl,
        expire_at=expire_at,
    )


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
    statement = tables.read(connections[using].vendor, sql)
    if statement.kind != "read":
        raise ValueError(
            f"fetch() takes a single SELECT, not {sql[:80]!r}; use a cursor, whose writes "
            "invalidate what was cached."
        )
    found, doubt = lookup(using, sql, params, "dicts", ttl)

    def load(wanted: Sequence[str]) -> dict[str, list[Row]]:
        with connections[using].cursor() as cursor:
            # Without parameters a % is a %, so None and not an empty tuple.
            cursor.execute(sql, params or None)
            names = tuple(column[0] for column in cursor.description)
            return {wanted[0]: [names, *cursor.fetchall()]}

    names, *rows = aside.fetch(found, load, doubt)[found.keys[0]]
    return [dict(zip(names, row, strict=True)) for row in rows]
