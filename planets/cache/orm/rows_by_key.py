"""Rows by primary key, with a SELECT that is compiled once for each number of keys."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, models

from .converters import Converters


class RowsByKey:
    """The rows of a model as tuples. Compiling the SELECT takes longer than carrying it out."""

    def __init__(self, model: type[models.Model], attnames: Sequence[str]) -> None:
        self._model = model
        self._attnames = attnames
        self._converters = Converters()
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def load(self, alias: str, pks: Sequence[int]) -> list[tuple[Any, ...]]:
        """Those that exist, in no order."""
        template, sql = self._compiled(alias, len(pks))
        compiler = copy.copy(template)
        compiler.connection = connections[alias]
        columns = [select[0] for select in compiler.select]
        converters = self._converters.of(
            compiler.connection, lambda: compiler.get_converters(columns)
        )
        compiler.get_converters = lambda expressions: converters
        compiler.as_sql = lambda *args, **kwargs: (sql, tuple(pks))
        return list(compiler.results_iter(tuple_expected=True))

    def _compile(self, alias: str, count: int) -> tuple[Any, str]:
        """A compiler for so many keys, without a connection, which is its thread's, and its SQL."""
        # No manager: one that leaves rows out would have parameters of its own.
        rows: Any = models.QuerySet(self._model).order_by().values_list(*self._attnames)
        compiler: Any = rows.filter(pk__in=range(count)).query.get_compiler(alias)
        sql, _ = compiler.as_sql()
        compiler.connection = None
        return compiler, sql
