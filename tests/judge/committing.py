"""TestCase commits what it writes, as a site does, and takes it away after each test.

Django can do that by itself, for databases without transactions; but it would empty every table
of the suite after each test. Here it is those that the test wrote to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from django.core.management.color import no_style
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import TestCase, TransactionTestCase

from planets.cache.writing import reader

# By alias: the tables with what they held at first, and those that were written to since.
at_first: dict[str, dict[str, list[Any]]] = {}
written: dict[str, set[str]] = defaultdict(set)
_watched: WeakSet[Any] = WeakSet()


def install() -> None:
    TestCase._databases_support_transactions = classmethod(lambda cls: False)
    TransactionTestCase._fixture_teardown = _clean
    connection_created.connect(_watch)


def remember() -> None:
    """What the databases hold before the first test."""
    for connection in connections.all():
        if not connection.settings_dict["NAME"].startswith("test_"):
            continue  # no test of these labels asks for it
        with connection.cursor() as cursor:
            tables = {}
            for table in connection.introspection.django_table_names(
                only_existing=True, include_views=False
            ):
                cursor.execute(f"SELECT * FROM `{table}`")
                tables[table] = list(cursor.fetchall())
        at_first[connection.alias] = tables
        written[connection.alias].clear()


def _watch(connection: Any, **kwargs: Any) -> None:
    def note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        statement = reader.read(connection.vendor, reader.text_of(sql), params is not None)
        if statement.kind == "write":
            touched = at_first.get(connection.alias, {}) if statement.doubt else statement.tables
            written[connection.alias].update(touched)
        return execute(sql, params, many, context)

    if connection not in _watched:
        _watched.add(connection)
        connection.execute_wrappers.append(note)


def _clean(self: TransactionTestCase) -> None:
    for alias in self._databases_names(include_mirrors=False):
        connection, before = connections[alias], at_first[alias]
        by_name = {table.lower(): table for table in before}
        tables = [by_name[name.lower()] for name in written[alias] if name.lower() in by_name]
        if not tables:
            continue
        statements = connection.ops.sql_flush(no_style(), tables)
        connection.ops.execute_sql_flush(statements)
        with connection.cursor() as cursor, connection.constraint_checks_disabled():
            for table in tables:
                if rows := before[table]:
                    values = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO `{table}` VALUES ({values})", rows)
        written[alias].clear()
    _forget()


def _forget() -> None:
    """What Django remembers of rows that are gone."""
    from django.contrib.contenttypes.models import ContentType
    from django.contrib.sites.models import Site

    ContentType.objects.clear_cache()
    Site.objects.clear_cache()
