"""The tutorial's first technique as it stands, to be seen beside the layer's."""

from __future__ import annotations

import inspect
import json
from typing import Any

from django.db import connection

TTL = 10  # seconds, the tutorial's own


def fetch(sql: str, redis: Any) -> list[dict[str, Any]]:
    """The rows of a statement, kept under its text until their time is over."""
    kept = redis.get(sql)
    if kept:
        return list(json.loads(kept))
    rows = query(sql)
    redis.set(sql, json.dumps(rows), ex=TTL)
    return rows


def query(sql: str) -> list[dict[str, Any]]:
    """The rows as the database has them now."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


SOURCE = inspect.getsource(fetch)
