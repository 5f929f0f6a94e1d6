"""The plain text of each kind of field in a record, which any client of Redis can read."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from .plain import DECLARED, works_as_djangos


@dataclass(frozen=True, slots=True)
class Text:
    """The plain text of one kind of field, there and back."""

    types: frozenset[type]
    write: Callable[[Any], str]
    read: Callable[[bytes], Any]
    shared: bool = True  # nobody can change a value


def _plain(type_: type, read: Callable[[str], Any], write: Callable[[Any], str] = str) -> Text:
    return Text(frozenset([type_]), write, lambda data: read(data.decode()))


def _text(type_: type, write: Callable[[Any], str], read: Callable[[bytes], Any]) -> Text:
    return Text(frozenset([type_]), write, read)


MICROSECOND = datetime.timedelta(microseconds=1)

# The first that fits. A value whose type is not the one named is not stored.
TEXTS: tuple[tuple[type[models.Field[Any, Any]], Text], ...] = (
    (
        models.BooleanField,
        _text(bool, lambda value: "1" if value else "0", {b"1": True, b"0": False}.__getitem__),
    ),
    (models.IntegerField, _text(int, str, int)),
    (models.FloatField, _text(float, repr, float)),
    (models.DecimalField, _plain(decimal.Decimal, decimal.Decimal)),
    (models.CharField, _text(str, str, bytes.decode)),
    (models.TextField, _text(str, str, bytes.decode)),
    (models.FileField, _text(str, str, bytes.decode)),
    (models.FilePathField, _text(str, str, bytes.decode)),
    (models.GenericIPAddressField, _text(str, str, bytes.decode)),
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
        _text(bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    ),
    (
        models.JSONField,
        Text(frozenset([dict, list, str, int, float, bool]), json.dumps, json.loads, False),
    ),
)
REMEDY = "cache its rows with .cached() instead."


def text_of(field: Any) -> Text:
    """How a field's values are written. Raises ImproperlyConfigured where they cannot be."""
    while True:
        if not works_as_djangos(field):
            raise ImproperlyConfigured(
                f"{field} is a {type(field).__name__}, which makes values of its own: they may be "
                f"secret, or another for each reader, and a record is plain text for all. Say "
                f"{DECLARED} = True in the class where they are not; or {REMEDY}"
            )
        if field.remote_field:
            field = field.target_field
        elif isinstance(field, models.GeneratedField):
            field = field.output_field
        else:
            break
    if isinstance(field, models.JSONField) and (field.encoder or field.decoder):
        raise ImproperlyConfigured(
            f"{field} has an encoder or a decoder of its own, whose values a record does not know; "
            f"{REMEDY}"
        )
    for kind, text in TEXTS:
        if isinstance(field, kind):
            return text
    raise ImproperlyConfigured(
        f"{field} is a {type(field).__name__}, which has no plain text in a record; {REMEDY}"
    )
