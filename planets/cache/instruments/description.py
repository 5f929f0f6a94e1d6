"""What keys are, in words: the SQL of a query, the path of a page, the row of a record.

A digest tells nobody anything. Of what this process has filled, it knows what it stands for. Of the
rest it lies in the entry, so that is read: so many bytes at most in one look, and again only once
it was filled anew. To read is an access, which makes an entry younger for eviction; a Redis from
7.2 on can be told that it is none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import router
from django.utils import timezone
from redis.cluster import RedisCluster
from redis.exceptions import ResponseError

from ..conf import conf
from ..events import COMPUTED
from ..reading import codec, memory, row_format
from ..reading.computed_format import entry_of
from ..reading.envelope import Undecodable
from ..reading.lookup import Found, Lookup
from ..recent import Recent
from ..records import BY_TABLE
from ..storage import keys
from ..storage.wire import Reply
from .brief import brief
from .keyspace import Key, printable
from .standing import databases

MOST_BYTES = 8 * 1024 * 1024  # of entries that are read in one look
PARTS = {"": "", "rows": "records of ", "hot": "hot columns of "}


class Head(NamedTuple):
    """What an entry says of itself before its value."""

    what: str
    tables: tuple[str, ...]
    # Gates and records with what each was when it was filled. What a query's entry does not say is
    # of which database it is, so there is one for each that there is.
    grounds: tuple[dict[str, str], ...]


class Remembered(NamedTuple):
    ends: float  # Unix time: another fill has another end
    what: str
    tables: tuple[str, ...]


_remembered: Recent[bytes, Remembered] = Recent(8192)
SAME = 1.5  # seconds that two looks at one fill may tell its end apart


def described(redis: Any, found: Sequence[Key]) -> list[Key]:
    """These keys with `what` and `tables`. Raises what redis-py raises."""
    now = time.time()
    told = [_remember(_by_its_name(key), now) for key in found]
    unknown = [key for key in told if not key.what and key.is_entry]
    for key, head in heads(redis, unknown).items():
        _remembered.put(key.raw, Remembered(_end(key, now), head.what, head.tables))
    return [_remember(key, now) for key in told]


def heads(redis: Any, found: Sequence[Key]) -> dict[Key, Head]:
    """What these entries say of themselves, as far as they can be read. One round trip."""
    wanted, total = [], 0
    for key in found:
        total += key.bytes or conf().MAX_BYTES
        if total > MOST_BYTES:
            break
        wanted.append(key)
    replies = _read(redis, wanted) if wanted else []
    told = {}
    for key, reply in zip(wanted, replies, strict=True):
        try:
            told[key] = _head(key, reply)
        except Undecodable:
            continue
    return told


def gate_words(gate: str) -> str:
    """`table city`, `records of table city`, `all of the database`: what stands behind a gate."""
    table, _, part = keys.behind(gate).partition("#")
    what = "all of the database" if table == "*" else f"table {table}"
    return f"{PARTS.get(part, '')}{what}"


def _shown(text: str) -> str:
    return printable(text.encode("utf-8", "surrogatepass"))


def _by_its_name(key: Key) -> Key:
    """What needs no look: a record, a gate."""
    if table := keys.record_table(key.name):
        row = key.name.rpartition(":")[2]
        return replace(key, what=f"row {row} of {table}", tables=(table,))
    if key.kind == "gate":
        table = keys.behind(key.name).partition("#")[0]
        tables = () if table == "*" else (_shown(table),)
        return replace(key, what=f"gate of {gate_words(key.name)}", tables=tables)
    return key if key.is_entry else replace(key, what=_of_its_own_use(key))


def _of_its_own_use(key: Key) -> str:
    """What the layer keeps for itself."""
    rest = key.name.removeprefix(conf().PREFIX).partition(":")[2]
    if key.kind == "statistics" and rest.isdecimal():
        minute = datetime.fromtimestamp(int(rest) * 60, tz=UTC)
        return f"counts of {timezone.localtime(minute):%H:%M}"
    if key.name == keys.feed():
        return "the last invalidations"
    if key.name.removeprefix(conf().PREFIX).startswith("owner:"):
        return f"which server owns {rest.strip('{}')}"
    names = {"lease": "lease of", "late": "late copy of", "watcher": "of the watcher:"}
    return f"{names.get(key.kind, 'counts:')} {rest.strip('{}')}"


def _remember(key: Key, now: float) -> Key:
    if key.what or not key.is_entry:
        return key
    if (fill := memory.fill_of(key.name)) and abs(fill.expires - _end(key, now)) <= SAME:
        what = fill.sql if key.kind in COMPUTED else brief(fill.sql)
        return replace(key, what=_shown(what), tables=tuple(map(_shown, fill.tables)))
    known = _remembered.get(key.raw)
    if known and abs(known.ends - _end(key, now)) <= SAME:
        return replace(key, what=known.what, tables=known.tables)
    return key


def _end(key: Key, now: float) -> float:
    return 0.0 if key.ttl is None else now + key.ttl


def _read(redis: Any, wanted: Sequence[Key]) -> list[Reply]:
    pipeline = redis.pipeline(transaction=False)
    quiet = not isinstance(redis, RedisCluster)  # whose commands go to the node of a key
    if quiet:
        pipeline.execute_command("CLIENT", "NO-TOUCH", "ON")
    for key in wanted:
        if key.type == "hash":
            pipeline.hgetall(key.raw)
        else:
            pipeline.get(key.raw)
    if quiet:
        pipeline.execute_command("CLIENT", "NO-TOUCH", "OFF")
    # An older Redis does not know NO-TOUCH; what is of another type is not ours.
    replies = pipeline.execute(raise_on_error=False)
    if quiet:
        replies = replies[1:-1]
    return [None if isinstance(reply, ResponseError) else reply for reply in replies]


def _head(key: Key, reply: Reply) -> Head:
    """Raises Undecodable, also for what is gone."""
    if key.kind in COMPUTED:
        made = entry_of(key.name, reply)
        tables = tuple(map(_shown, made.tables))
        return Head(_shown(made.name), tables, ({**made.gates, **made.records},))
    if key.kind == "record":
        records = BY_TABLE[keys.record_table(key.name) or ""]
        lookup = records.shelf.lookup(router.db_for_read(records.model), [key.name])
        found = records.shelf.decode(lookup, key.name, reply)
        if found is None:
            raise Undecodable("there is nothing")
        return Head(_by_its_name(key).what, (records.shelf.table,), (_grounds(lookup, found),))
    entry = codec.head(key.name, reply, max_bytes=conf().MAX_BYTES)
    tables, what = tuple(map(_shown, entry.tables)), _shown(brief(entry.sql))
    lookups = (row_format.lookup_of(alias, key.name, entry) for alias in databases())
    found = Found(entry.rows, entry.generation, entry.expires, 0)
    return Head(what, tables, tuple(_grounds(lookup, found) for lookup in lookups))


def _grounds(lookup: Lookup, found: Found) -> dict[str, str]:
    gates = lookup.shelf.generation(lookup, lookup.gates, found.value)
    return dict(zip(gates, found.generation, strict=False))  # type: ignore[arg-type]
