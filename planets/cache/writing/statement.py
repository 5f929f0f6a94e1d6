"""What a SQL statement does to which tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "begin" and "end" also commit what was open. After "isolation" and "private" the session may see
# what others do not: an old snapshot; another database, or temporary tables.
Kind = Literal["read", "write", "begin", "end", "isolation", "private", "other"]


@dataclass(frozen=True, slots=True)
class PrimaryKeys:
    """`WHERE <column> = ?` or `IN (?, ...)` of one table, and where the values stand."""

    column: str
    values: tuple[int, ...]  # literals in the SQL
    positions: tuple[int, ...]  # indexes into the parameters


@dataclass(frozen=True, slots=True)
class Statement:
    """Tables are lower case. `doubt` says in words why the tables, or the rows, are not certain."""

    kind: Kind
    tables: frozenset[str] = frozenset()
    doubt: str = ""
    # What happens to rows that were there before: nothing, something to some, or to just `keys`.
    changes_rows: bool = True
    keys: tuple[PrimaryKeys, ...] = ()
