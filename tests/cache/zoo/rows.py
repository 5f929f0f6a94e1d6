"""A row with a value of every type, and what it takes to compare rows."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

FULL: dict[str, Any] = {
    "boolean": True,
    "small": -32768,
    "integer": 2147483647,
    "big": -(2**63),
    "positive_big": 2**63 - 1,
    "real": 0.1 + 0.2,
    "decimal": decimal.Decimal("12345678901234567890.0123456789"),
    "char": "Zürich 🪐 \N{ZERO WIDTH JOINER}",
    "text": "'; DROP TABLE star; -- %s %% \\ \x00",
    "slug": "a-slug",
    "url": "https://example.org/?q=%s",
    "date": dt.date(1, 1, 1),
    "time": dt.time(23, 59, 59, 999999),
    "datetime": dt.datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=ZoneInfo("Asia/Kathmandu")),
    "duration": dt.timedelta(days=-3, microseconds=7),
    "uuid": uuid.UUID(int=1),
    "binary": b"\x00\xff\x80",
    "json": {"a": [1, 2.5, None, True, "🪐"], "b": {}},
    "address": "2001:db8::1",
    "file": "some/path.txt",
}


def parts(rows: Any) -> Any:
    """Values and types, so that 1 and True, or a list and a tuple, differ."""
    if isinstance(rows, models.Model):
        return (type(rows), rows._state.db, rows._state.adding, parts(vars_of(rows)))
    if isinstance(rows, dict):
        return (type(rows), [(key, parts(value)) for key, value in rows.items()])
    if isinstance(rows, list | tuple | models.QuerySet):
        return (type(rows).__name__, [parts(row) for row in rows])
    return (type(rows), rows)


def vars_of(instance: models.Model) -> dict[str, Any]:
    return {k: v for k, v in sorted(vars(instance).items()) if not k.startswith("_")}
