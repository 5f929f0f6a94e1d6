"""The driver of MySQL; None in a run on SQLite that does without it."""

from __future__ import annotations

try:
    import MySQLdb
except ImportError:
    MySQLdb = None

__all__ = ["MySQLdb"]
