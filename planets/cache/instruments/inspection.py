"""One key, opened: what it holds, of which SQL, until when, and whether a fetch would take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import router
from redis.exceptions import ResponseError

from ..conf import conf
from ..events import COMPUTED
from ..reading import codec, row_format
from ..reading.envelope import HEAD, Undecodable
from ..reading.lookup import Found, Lookup
from ..records import BY_TABLE
from ..storage import gates, keys
from ..storage.wire import Reply
from .computed_entries import computed
from .content import SHOWN_ROWS, SHOWN_SQL, WHY, Content, State, plain, short, unreadable
from .keyspace import Key, is_ours, look
from .nodes import asking, holder
from .selected import selected
from .standing import databases

LATE = "A copy that is served to those who accept that it is not current."
# A hash of more fields than that is not one of ours, and is not read.
MOST_FIELDS = 1_000


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
            "columns": list(content.columns),
            "rows": content.rows,
            "name": content.name,
            "stands_on": [ground._asdict() for ground in content.stands_on],
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
        known = look(holder(redis, raw), [raw])
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
    if key.kind in COMPUTED:
        return computed(redis, key, reply)
    if key.kind == "late":
        return replace(_content(redis, _copied(key), reply), why=LATE)
    if key.kind in ("gate", "lease"):
        return replace(plain(reply), why=_gate(reply))
    return plain(reply)


def _copied(copy: Key) -> Key:
    """The entry that this is a late copy of."""
    return replace(copy, raw=copy.raw[len(keys.late("")) - 1 : -1])


def _gate(reply: Reply) -> str:
    if gates.generation(reply):
        return "Open: entries of this generation are served."
    if gates.is_closed(reply):
        return "Closed: a write is in flight, until it ends or its deadline passes."
    if gates.is_left(reply):
        return "Left by its writers: the next reader opens a new generation."
    if isinstance(reply, bytes) and reply.startswith(b"l:"):
        return "A caller has this lease, to load and fill the key."
    return "Nothing that the cache has written: it is replaced when it is next needed."


def _entry(redis: Any, key: Key, reply: Reply) -> Content:
    try:
        entry = codec.decode(key.name, reply, max_bytes=conf().MAX_BYTES)
    except Undecodable as error:
        return unreadable(reply, error)
    found = Found(entry.rows, entry.generation, entry.expires, len(reply), entry.load_ms)
    # Of which database it is an entry does not say; random tokens match those of one alone.
    lookups = (row_format.lookup_of(alias, key.name, entry) for alias in databases())
    states = [_state(redis, lookup, found) for lookup in lookups]
    state = min(states, key=("current", "closed", "stale").index)
    rows = [[short(cell) for cell in row] for row in entry.rows[:SHOWN_ROWS]]
    return Content(
        state=state,
        why=WHY[state],
        sql="\n".join(map(short, entry.sql[:SHOWN_SQL].splitlines())),
        tables=tuple(map(short, entry.tables)),
        load_ms=entry.load_ms,
        row_count=len(entry.rows),
        columns=tuple(map(short, selected(entry.sql, len(rows[0]) if rows else 0))),
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
        return unreadable(reply, error)
    state = _state(redis, lookup, found)
    columns = [name for name in records.shelf.columns if name in reply]
    return replace(
        plain({name: reply[name] for name in [*columns, *(reply.keys() - columns)]}),
        state=state,
        why=WHY[state],
        tables=(records.shelf.table,),
        absent=found.value is None,
    )


def _state(redis: Any, lookup: Lookup, found: Found) -> State:
    """Whether a fetch would take what was found. Gates are asked singly, for a cluster's sake."""
    pipeline = redis.pipeline(transaction=False)
    for gate in lookup.shelf.generation(lookup, lookup.gates, found.value):
        pipeline.get(gate)
    replies: Sequence[Reply] = pipeline.execute(raise_on_error=False)
    if any(map(gates.is_closed, replies)):
        return "closed"
    return "current" if tuple(map(gates.generation, replies)) == found.generation else "stale"
