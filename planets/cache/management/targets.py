"""What people type to name something to invalidate."""

from __future__ import annotations

from django.apps import apps
from django.db import connections
from django.db.models import Model

from ..events import COMPUTED
from ..records import BY_TABLE
from ..storage import keys


def parse(text: str, using: str) -> Model | str:
    """`table:3` as the row of that record, `table` as the table's name, in lower case.

    Raises ValueError for a record of a table that has none, and for a table that neither a model
    nor the database knows: to invalidate it would look like success.
    """
    table, colon, pk = text.partition(":")
    if not colon:
        return _table(text.lower(), using)
    records = BY_TABLE.get(table.lower())
    if records is None:
        raise ValueError(
            f"{text!r} names a record of {table!r}; records are kept of {', '.join(BY_TABLE)}"
        )
    if not pk.isdecimal():
        raise ValueError(f"{text!r} must end in a row's id, a whole number")
    instance: Model = records.model(pk=int(pk))
    return instance


def is_entry(text: str) -> bool:
    """Whether a key is typed of one entry that has no row: `page:<digest>`, `sql:<digest>`."""
    return keys.kind(text) in ("sql", *COMPUTED)


def _table(table: str, using: str) -> str:
    models = apps.get_models(include_auto_created=True)
    if any(table == model._meta.db_table.lower() for model in models):
        return table
    if table not in map(str.lower, connections[using].introspection.table_names()):
        raise ValueError(f"{table!r} is no table of the database {using!r}")
    return table
