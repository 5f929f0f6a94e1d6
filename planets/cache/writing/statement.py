"""What a SQL statement does, to which tables and to its session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "begin" and "end" also commit what was open.
Kind = Literal["read", "write", "begin", "end", "other"]


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
    # The columns, in lower case, beside which an UPDATE sets none; () where they are not certain.
    sets: frozenset[str] = frozenset()
    # Whether a SELECT reads no column but those that it names.
    names_columns: bool = False
    # Whether it commits what was open, though it is no COMMIT. "perhaps" also where it may begin a
    # transaction: whether one is open afterwards, only the server knows.
    commits: Literal["", "yes", "perhaps"] = ""
    # Why its connection sees from now on what others do not; "" where it sees the same.
    private: str = ""
    elsewhere: bool = False  # from now on its tables may be those of another database
    isolation: bool = False  # it sets the isolation level of its connection
    charset: str = ""  # it sets the names of this character set, which its connection may have


HIDDEN = "may have changed what its connection sees"


def hidden(
    doubt: str, what: str = "a statement that was not understood", *, elsewhere: bool = True
) -> Statement:
    """A statement that can do anything, to tables, to its session and to its transaction."""
    private = f"{what} {HIDDEN}"
    return Statement("write", doubt=doubt, commits="perhaps", private=private, elsewhere=elsewhere)
