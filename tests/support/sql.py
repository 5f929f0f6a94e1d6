from __future__ import annotations

from typing import Any

from django.db import connection


def sql(statement: str, *params: Any) -> None:
    """Run a statement past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
