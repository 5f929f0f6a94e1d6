"""Which columns of which tables hold a TIME, as the models tell."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import models

TIME, MAYBE, OTHER = "TIME", "MAYBE", "OTHER"
# Django's fields whose columns hold no TIME. One that is not here may have any type of its own.
NO_TIME = frozenset(
    "AutoField BigAutoField BigIntegerField BinaryField BooleanField CharField DateField "
    "DateTimeField DecimalField DurationField EmailField FileField FilePathField FloatField "
    "GenericIPAddressField IPAddressField ImageField IntegerField JSONField "
    "PositiveBigIntegerField PositiveIntegerField PositiveSmallIntegerField SlugField "
    "SmallAutoField SmallIntegerField TextField URLField UUIDField".split()
)


@lru_cache(maxsize=1)
def columns_by_table(every_model: tuple[type[models.Model], ...]) -> dict[str, dict[str, str]]:
    """By table and column: whether it is a TIME, may be one, or is something else."""
    found: dict[str, dict[str, str]] = {}
    for model in every_model:
        columns = found.setdefault(model._meta.db_table.lower(), {})
        for field in model._meta.local_concrete_fields:
            column, kind = str(field.column).lower(), _kind(field)
            columns[column] = kind if columns.get(column, kind) == kind else MAYBE
    return found


def _kind(field: Any) -> str:
    while field.remote_field:
        field = field.target_field
    field = getattr(field, "output_field", None) or field  # of a GeneratedField
    name = field.get_internal_type()
    return TIME if name == "TimeField" else OTHER if name in NO_TIME else MAYBE
