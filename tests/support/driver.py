"""The driver of MySQL; None in a run on SQLite that does without it."""

from __future__ import annotations

from typing import Any

MySQLdb: Any
try:
    import MySQLdb
except ImportError:
    MySQLdb = None
