"""A page, a fragment or a value, opened: what it is, and what it stands on has changed how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ..reading import causes, tree
from ..reading.computed_format import Entry, entry_of
from ..reading.envelope import Undecodable
from ..reading.record_format import ask_token, read_token
from ..storage import gates
from ..storage.wire import Reply
from .content import (
    SHOWN_CHARACTERS,
    WHY,
    Content,
    Ground,
    State,
    printable,
    short,
    unreadable,
)
from .description import gate_words
from .keyspace import Key

_page = msgspec.msgpack.Decoder(tuple[int, list[tuple[str, str]], bytes])
_text = msgspec.msgpack.Decoder(str)


def computed(redis: Any, key: Key, reply: Reply) -> Content:
    """What such a key holds."""
    try:
        entry = entry_of(key.name, reply)
        fields, text = _payload(key.kind, bytes(entry.payload))
    except (Undecodable, msgspec.MsgspecError, ValueError) as error:
        return unreadable(reply, error)
    replies = _ask(redis, entry)
    found = list(_grounds(entry, iter(replies)))
    changed = next((ground.changed for ground in found if ground.changed), "")
    state: State = (
        "closed" if any(map(gates.is_closed, replies)) else "stale" if changed else "current"
    )
    why = WHY[state]
    return Content(
        state=state,
        why=f"No fetch takes it: {changed}. It goes when its TTL ends."
        if state == "stale"
        else why,
        name=short(entry.name),
        tables=tuple(map(short, entry.tables)),
        load_ms=entry.load_ms,
        stands_on=found,
        fields=fields,
        text=short(text),
        shortened=len(text) > SHOWN_CHARACTERS,
    )


def _payload(kind: str, payload: bytes) -> tuple[dict[str, str], bytes]:
    """Its fields and its text."""
    if kind == "page":
        status, headers, body = _page.decode(payload)
        lines = {"Status": str(status), **{printable(n.encode()): short(v) for n, v in headers}}
        return lines, body
    if kind == "fragment":
        return {}, _text.decode(payload).encode()
    return {}, repr(tree.decode(payload)).encode("utf-8", "surrogatepass")


def _ask(redis: Any, entry: Entry) -> list[Reply]:
    """How all that it stands on is now. Singly, for a cluster's sake."""
    pipeline = redis.pipeline(transaction=False)
    for gate in entry.gates:
        pipeline.get(gate)
    for record in entry.records:
        pipeline.execute_command(*ask_token(record))
    replies: list[Reply] = pipeline.execute(raise_on_error=False)
    return replies


def _grounds(entry: Entry, replies: Iterator[Reply]) -> Iterator[Ground]:
    for gate, had in entry.gates.items():
        reply = next(replies)
        same = gates.generation(reply) == had
        changed = "" if same else causes.of_gate(gate, closed=gates.is_closed(reply))
        yield Ground(short(gate), short(gate_words(gate)), changed)
    for record, had in entry.records.items():
        now = read_token(next(replies))
        changed = "" if now == had else causes.of_record(record, now)
        yield Ground(short(record), "a record", changed)
