"""Tables of models that one test makes for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models

from planets.cache import records
from planets.cache.storage import keys


@contextmanager
def tables_of(*made: type[models.Model]) -> Iterator[None]:
    """Their tables, which are gone afterwards, and with them what the layer knows of them."""
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(made):
                editor.delete_model(model)
        for model in made:
            table = model._meta.db_table.lower()
            keys.RECORDS.pop(table, None)
            records.BY_TABLE.pop(table, None)
