"""Compilers that ask the cache where Django's ask the database.

They do so in execute_sql(), after the SQL is compiled and before Django's converters and iterables
run. So what is cached is rows as the driver gave them, and everything that Django builds on rows
(instances, values(), annotations, select_related, deferred fields) is Django's own.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE, MULTI, SINGLE
from django.utils import timezone
from msgspec import structs

from ..reading import path, row_format
from ..reading.late import PUNCTUAL, Late
from ..reading.lookup import Lookup, check_ttl
from ..reading.replicas import source
from ..reading.rows import Row, SharedRows
from ..recent import Recent
from . import answers
from .converters import Converters
from .instances import with_builders
from .plans import Plan

STREAMS = "iterator() streams what is longer than a chunk from the database"

# Keys of results that were longer than the chunks of an iterator().
_long = Recent[str, bool](8192)


class LongerThanAChunk(Exception):
    """An iterator() is to stream: such rows are not to be held all at once."""


def _one_chunk(chunks: Iterable[list[Row]]) -> list[Row]:
    """The rows, where they are one chunk at most. Raises LongerThanAChunk."""
    chunks = iter(chunks)
    first = next(chunks, [])
    if next(chunks, None) is not None:
        if isinstance(chunks, Generator):
            chunks.close()  # and the cursor with it
        raise LongerThanAChunk
    return list(first)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long results are kept: `ttl` seconds (None: the default), or until `expire_at`.

    `late`: how late they may be. `second_sight`: where they are asked for again.
    """

    ttl: float | None = None
    expire_at: datetime | None = None
    late: Late = PUNCTUAL
    second_sight: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for nonsense in either."""
        check_ttl(self.ttl)
        if self.expire_at is not None and settings.USE_TZ and timezone.is_naive(self.expire_at):
            raise ValueError(
                f"expire_at is {self.expire_at!r}, must have a time zone when USE_TZ is on"
            )


class CachedCompiler(SQLCompiler):
    """Mixed into the compiler of a backend."""

    lifetime: Lifetime
    refusal = ""  # why nothing of it is cached
    plan: Plan | None = None
    one = False  # one row is asked for, as by count() or exists()
    converters: Converters | None = None  # shared by all copies
    rows: Sequence[Row] = ()  # of the last fetch
    found: Mapping[bool, tuple[Lookup, str]] = {}  # by `one`

    def execute_sql(
        self,
        result_type: Any = MULTI,
        chunked_fetch: bool = False,
        chunk_size: int = GET_ITERATOR_CHUNK_SIZE,
    ) -> Any:
        if result_type not in (MULTI, SINGLE):
            return super().execute_sql(result_type, chunked_fetch, chunk_size)
        self.one = one = result_type == SINGLE
        try:
            lookup, doubt = self.found.get(one) or self.compile_once()
        except EmptyResultSet:
            return super().execute_sql(result_type)
        if self.klass_info:
            self.klass_info = with_builders(self.klass_info)

        def load_rows(*how: Any) -> Any:
            return super(CachedCompiler, self.of_this_thread()).execute_sql(*how)

        def stream() -> Any:
            path.pass_by(lookup, doubt or STREAMS)
            return load_rows(result_type, chunked_fetch, chunk_size)

        def load(wanted: Sequence[str]) -> dict[str, list[Any]]:
            result = load_rows(result_type, chunked_fetch, chunk_size)
            if one:
                return {wanted[0]: [result] if result else []}
            if chunked_fetch:
                return {wanted[0]: _one_chunk(result)}
            return {wanted[0]: list(chain.from_iterable(result))}

        if one and not doubt:
            answers.note(self, lookup)
        (key,) = lookup.keys
        if chunked_fetch and (doubt or key in _long):
            return stream()
        try:
            self.rows = rows = path.fetch(lookup, load, doubt)[key]
        except LongerThanAChunk:
            _long.put(key, True)
            return stream()  # by asking again: once for each key and process
        if one:
            return rows[0] if rows else None
        return [rows]

    def load_all(self) -> list[Row]:
        """All rows, from the database."""
        results: Any = super(CachedCompiler, self.of_this_thread()).execute_sql(MULTI)
        return list(chain.from_iterable(results))

    def load_one(self) -> list[Row]:
        """One row, from the database; none where there is none."""
        row: Any = super(CachedCompiler, self.of_this_thread()).execute_sql(SINGLE)
        return [row] if row else []

    def converts_as_djangos(self) -> bool:
        """Whether the backend leaves the converting of rows to Django."""
        return all(
            getattr(super(CachedCompiler, self), name).__func__ is vars(SQLCompiler)[name]
            for name in ("apply_converters", "get_converters")
        )

    def of_this_thread(self) -> CachedCompiler:
        """Itself; a copy for who loads again what another thread was served, and for who reads the
        primary in the place of a replica.
        """
        connection = connections[source(self.using)] if self.using else self.connection
        if connection is self.connection:
            return self
        other = copy.copy(self)
        other.connection = connection
        return other

    def apply_converters(self, rows: Any, converters: Any) -> Any:
        convert = partial(super().apply_converters, rows, converters)
        shared = self.converters and self.converters.are_djangos and not self.one
        if shared and isinstance(self.rows, SharedRows):
            return self.rows.converted(self.converters, convert)
        return convert()

    def get_converters(self, expressions: Any) -> dict[int, Any]:
        if self.converters is None or self.one:  # whose caller brings expressions of its own
            return super().get_converters(expressions)
        return self.converters.of(self.connection, partial(super().get_converters, expressions))

    def compile_once(self) -> tuple[Lookup, str]:
        """Where the result belongs, and why it must not be cached. Raises EmptyResultSet."""
        statement, params = compiled = self.as_sql()
        # What runs on a miss must not compile again.
        self.as_sql = lambda *args, **kwargs: compiled  # type: ignore[method-assign]
        columns = self.col_count if self.one or self.has_extra_select else ""
        lookup, doubt = row_format.lookup(
            str(self.using),
            statement,
            params,
            f"{'one' if self.one else 'all'}{columns}",
            self.lifetime.ttl,
            self.lifetime.expire_at,
            self.lifetime.late,
        )
        if self.lifetime.second_sight:
            lookup = structs.replace(lookup, second_sight=True)
        if self.query.select_for_update:  # which SQLite has no word for
            doubt = "select_for_update() locks rows"
        doubt = doubt or self.refusal
        if self.plan and not doubt:
            self.converters = Converters()
            self.found = {**self.found, self.one: (lookup, doubt)}
            self.plan.remember(self)
        return lookup, doubt


@cache
def _cached_class(compiler: Any) -> type[CachedCompiler]:
    return type(f"Cached{compiler.__name__}", (CachedCompiler, compiler), {})


def cached(compiler: SQLCompiler, lifetime: Lifetime, refusal: str = "") -> SQLCompiler:
    """The same compiler, asking the cache; with a `refusal` it only tells why it does not."""
    if not isinstance(compiler, CachedCompiler):
        compiler.__class__ = _cached_class(cast(Any, type(compiler)))
        compiler.lifetime, compiler.refusal = lifetime, refusal  # type: ignore[attr-defined]
    return compiler
