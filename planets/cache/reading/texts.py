"""The plain text of each kind of field in a record, which any client of Redis can read."""

from __future__ import annotations

import base64
import datetime
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models


@dataclass(frozen=True, slots=True)
class Text:
    """The plain text of one kind of field, there and back."""

    type: type
    write: Callable[[Any], str]
    read: Callable[[bytes], Any]


def _plain(type_: type, read: Callable[[str], Any], write: Callable[[Any], str] = str) -> Text:
    return Text(type_, write, lambda data: read(data.decode()))


MICROSECOND = datetime.timedelta(microseconds=1)

# The first that fits. A value whose type is not the one named is not stored.
TEXTS: tuple[tuple[type[models.Field[Any, Any]], Text], ...] = (
    (
        models.BooleanField,
        Text(bool, lambda value: "1" if value else "0", {b"1": True, b"0": False}.__getitem__),
    ),
    (models.IntegerField, Text(int, str, int)),
    (models.FloatField, Text(float, repr, float)),
    (models.DecimalField, _plain(decimal.Decimal, decimal.Decimal)),
    (models.CharField, Text(str, str, bytes.decode)),
    (models.TextField, Text(str, str, bytes.decode)),
    (models.GenericIPAddressField, Text(str, str, bytes.decode)),
    (models.DateTimeField, _plain(datetime.datetime, datetime.datetime.fromisoformat)),
    (models.DateField, _plain(datetime.date, datetime.date.fromisoformat)),
    (models.TimeField, _plain(datetime.time, datetime.time.fromisoformat)),
    (
        models.DurationField,
        _plain(
            datetime.timedelta,
            lambda text: int(text) * MICROSECOND,
            lambda value: str(value // MICROSECOND),
        ),
    ),
    (models.UUIDField, _plain(uuid.UUID, uuid.UUID)),
    (
        models.BinaryField,
        Text(bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    ),
)


def text_of(field: Any) -> Text:
    while field.remote_field:
        field = field.target_field
    for kind, text in TEXTS:
        if isinstance(field, kind):
            return text
    raise ImproperlyConfigured(
        f"{field} is a {type(field).__name__}, which has no plain text in a record; cache its rows "
        f"with .cached() instead."
    )
