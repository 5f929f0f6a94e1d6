"""What a key holds, as text: bounded, and with nothing in it that controls a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from ..storage.wire import Reply
from .keyspace import printable

State = Literal["current", "stale", "closed", "unreadable", ""]

# What a page or a terminal shows at most: rows, characters of each value, of the SQL.
SHOWN_ROWS, SHOWN_CHARACTERS, SHOWN_SQL = 50, 2_000, 8_000

WHY: dict[State, str] = {
    "current": "A fetch takes it: its tables have not been written since it was loaded.",
    "stale": "No fetch takes it: its tables were written since. It goes when its TTL ends.",
    "closed": "No fetch takes it now: a write to its tables is in flight.",
}


class Ground(NamedTuple):
    """A gate or a record that a computed entry stands on, and whether it is as it was."""

    name: str  # its key
    what: str
    changed: str  # how; "": it is as it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a key holds, as text. `rows` are those of a query, `fields` those of a hash."""

    state: State = ""
    why: str = ""
    sql: str = ""
    tables: tuple[str, ...] = ()
    load_ms: float | None = None  # what the database took
    absent: bool = False  # a record: that there is no such row
    row_count: int | None = None
    columns: tuple[str, ...] = ()  # of the rows, where the SQL names them
    rows: list[list[str]] = field(default_factory=list)
    name: str = ""  # of what was computed: a page's path, a fragment's or a value's name
    stands_on: list[Ground] = field(default_factory=list)  # what was computed
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""
    shortened: bool = False


def short(value: Any) -> str:
    """A value as text, NULL as such, and not too much of it."""
    if value is None:
        return "NULL"
    text = printable(value[: SHOWN_CHARACTERS + 1]) if isinstance(value, bytes) else str(value)
    if not isinstance(value, bytes):
        text = printable(text[: SHOWN_CHARACTERS + 1].encode("utf-8", "surrogatepass"))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"


def plain(reply: Reply) -> Content:
    if isinstance(reply, dict):
        return Content(fields={printable(name): short(value) for name, value in reply.items()})
    return Content(text=short(reply), shortened=len(reply) > SHOWN_CHARACTERS)


def unreadable(reply: Reply, error: Exception) -> Content:
    why = f"No fetch takes it: {short(str(error))}. The next one overwrites it."
    return replace(plain(reply), state="unreadable", why=why)
