"""A process that has imported the models of the zoo, and writes before it has read anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from .program import Program, set_up

# By name, how it calls star 3 Taygeta, in a statement of Python's; {} may be more that is set.
RENAMES = {
    "update": "Star.objects.filter(pk=3).update(name='Taygeta')",
    "save": "found = Star(pk=3, name='Taygeta'); found.save(update_fields=['name'])",
    "whole save": "Star(pk=3, name='Taygeta').save()",
    "F": "Star.objects.filter(pk=3).update(name=Replace(F('name'), Value('Electra'), "
    "Value('Taygeta')))",
    "bulk_update": "Star.objects.bulk_update([Star(pk=3, name='Taygeta')], ['name'])",
    "SQL": "sql(\"UPDATE star SET name = 'Taygeta' WHERE id = 3\")",
    "SQL of all rows": "sql(\"UPDATE star SET name = REPLACE(name, 'Electra', 'Taygeta')\")",
    "transaction": "with transaction.atomic(): Star.objects.filter(pk=3).update(name='Taygeta')",
}


@contextmanager
def never_read(**cache_aside: Any) -> Iterator[Program]:
    """CACHE_ASIDE in it, beside what the tests have."""
    with Program() as program:
        program(
            set_up(
                INSTALLED_APPS=["planets.cache", "tests.cache.zoo"],
                CACHES=settings.CACHES,
                CACHE_ASIDE={"HISTORY": 0, **cache_aside},
            )
        )
        program("from tests.cache.zoo.models import *")
        program("from django.db import connection, transaction")
        program("from django.db.models import F, Value")
        program("from django.db.models.functions import Replace")
        program("def sql(text):\n    with connection.cursor() as cursor: cursor.execute(text)")
        yield program
