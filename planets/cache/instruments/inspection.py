"""One key, opened: what it holds, of which SQL, until when, and whether a fetch would take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db import router
from redis.exceptions import ResponseError

from ..conf import conf
from ..reading import codec, row_format
from ..reading.envelope import HEAD, Undecodable
from ..reading.lookup import Found, Lookup
from ..records import BY_TABLE
from ..storage import gates, keys
from ..storage.wire import Reply
from .keyspace import Key, is_ours, look, printable
from .server import asking
from .standing import databases

State = Literal["current", "stale", "closed", "unreadable", ""]

# What a page or a terminal shows at most: rows, characters of each value, of the SQL.
SHOWN_ROWS, SHOWN_CHARACTERS, SHOWN_SQL = 50, 2_000, 8_000
# A hash of more fields than that is not one of ours, and is not read.
MOST_FIELDS = 1_000

WHY: dict[State, str] = {
    "current": "A fetch takes it: its tables have not been written since it was loaded.",
    "stale": "No fetch takes it: its tables were written since. It goes when its TTL ends.",
    "closed": "No fetch takes it now: a write to its tables is in flight.",
}


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
    rows: list[list[str]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""
    shortened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A key and its content."""

    key: Key
    content: Content

    def as_dict(self) -> dict[str, Any]:
        content = self.content
        return {
            **self.key.as_dict(),
            "state": content.state,
            "why": content.why,
            "sql": content.sql,
            "tables": list(content.tables),
            "load_ms": content.load_ms,
            "absent": content.absent,
            "row_count": content.row_count,
            "rows": content.rows,
            "fields": content.fields,
            "text": content.text,
            "shortened": content.shortened,
        }


def opened(name: str) -> Opened | None:
    """The key of this name, None where there is none.

    Raises ValueError for a key of another program, Unavailable.

    Opening is an access: it makes the key younger for Redis's eviction.
    """
    if not is_ours(name):
        raise ValueError(f"{name!r} is not a key of this cache, so it is not opened")
    raw = name.encode("utf-8", "surrogateescape")
    with asking() as redis:
        # Asked of the client itself, which finds the right node of a cluster.
        known = look(redis, [raw])
        if not known:
            return None
        key = known[0]
        try:
            reply = _read(redis, key)
        except ResponseError as error:
            return Opened(key=key, content=Content(why=f"It cannot be read: {error}"))
        if reply is None:
            return None  # it went in between
        return Opened(key=key, content=_content(redis, key, reply))


def _read(redis: Any, key: Key) -> Reply:
    """The value of a string or a hash, as far as it can be ours. Raises ResponseError."""
    if key.type == "string":
        # An entry is no longer than MAX_BYTES and the few bytes before its body.
        return redis.getrange(key.raw, 0, conf().MAX_BYTES + HEAD)
    if key.type == "hash":
        count = redis.hlen(key.raw)
        if count > MOST_FIELDS:
            raise ResponseError(f"it has {count} fields, more than {MOST_FIELDS}")
        return redis.hgetall(key.raw) or None
    raise ResponseError(f"only strings and hashes are shown, not a {key.type}")


def _content(redis: Any, key: Key, reply: Reply) -> Content:
    if key.kind == "sql":
        return _entry(redis, key, reply)
    if key.kind == "record":
        return _record(redis, key, reply)
    if key.kind in ("gate", "lease"):
        return replace(_plain(reply), why=_gate(reply))
    return _plain(reply)


def _plain(reply: Reply) -> Content:
    if isinstance(reply, dict):
        return Content(fields={printable(name): _short(value) for name, value in reply.items()})
    return Content(text=_short(reply), shortened=len(reply) > SHOWN_CHARACTERS)


def _gate(reply: Reply) -> str:
    if gates.generation(reply):
        return "Open: entries of this generation are served."
    if gates.is_closed(reply):
        return "Closed: a write is in flight, until it ends or its deadline passes."
    if isinstance(reply, bytes) and reply.startswith(b"l:"):
        return "A caller has this lease, to load and fill the key."
    return "Nothing that the cache has written: it is replaced when it is next needed."


def _entry(redis: Any, key: Key, reply: Reply) -> Content:
    try:
        entry = codec.decode(key.name, reply, max_bytes=conf().MAX_BYTES)
    except Undecodable as error:
        return _unreadable(reply, error)
    found = Found(entry.rows, entry.generation, entry.expires, len(reply), entry.load_ms)
    # Of which database it is an entry does not say; random tokens match those of one alone.
    lookups = (row_format.lookup_of(alias, key.name, entry) for alias in databases())
    states = [_state(redis, lookup, found) for lookup in lookups]
    state = min(states, key=("current", "closed", "stale").index)
    rows = [[_short(cell) for cell in row] for row in entry.rows[:SHOWN_ROWS]]
    return Content(
        state=state,
        why=WHY[state],
        sql="\n".join(map(_short, entry.sql[:SHOWN_SQL].splitlines())),
        tables=tuple(map(_short, entry.tables)),
        load_ms=entry.load_ms,
        row_count=len(entry.rows),
        rows=rows,
        shortened=len(rows) < len(entry.rows),
    )


def _record(redis: Any, key: Key, reply: Reply) -> Content:
    records = BY_TABLE[keys.record_table(key.name) or ""]
    lookup = records.shelf.lookup(router.db_for_read(records.model), [key.name])
    try:
        found = records.shelf.decode(lookup, key.name, reply)
        assert found is not None  # noqa: S101  an empty hash does not exist
    except Undecodable as error:
        return _unreadable(reply, error)
    state = _state(redis, lookup, found)
    columns = [name for name in records.shelf.columns if name in reply]
    return replace(
        _plain({name: reply[name] for name in [*columns, *(reply.keys() - columns)]}),
        state=state,
        why=WHY[state],
        tables=(records.shelf.table,),
        absent=found.value is None,
    )


def _unreadable(reply: Reply, error: Exception) -> Content:
    why = f"No fetch takes it: {_short(str(error))}. The next one overwrites it."
    return replace(_plain(reply), state="unreadable", why=why)


def _state(redis: Any, lookup: Lookup, found: Found) -> State:
    """Whether a fetch would take what was found. Gates are asked singly, for a cluster's sake."""
    pipeline = redis.pipeline(transaction=False)
    for gate in lookup.shelf.generation(lookup, lookup.gates, found.value):
        pipeline.get(gate)
    replies: Sequence[Reply] = pipeline.execute(raise_on_error=False)
    if any(map(gates.is_closed, replies)):
        return "closed"
    return "current" if tuple(map(gates.generation, replies)) == found.generation else "stale"


def _short(value: Any) -> str:
    """A value as text, NULL as such, and not too much of it."""
    if value is None:
        return "NULL"
    text = printable(value[: SHOWN_CHARACTERS + 1]) if isinstance(value, bytes) else str(value)
    if not isinstance(value, bytes):
        text = printable(text[: SHOWN_CHARACTERS + 1].encode("utf-8", "surrogatepass"))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"
