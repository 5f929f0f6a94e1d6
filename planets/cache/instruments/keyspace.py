"""Which keys there are, and a sample of them. By SCAN, so that Redis is never held up.

Keys of other programs are counted, and no more is told of them: the name of a session is as good as
its password. Nor are they counted by a pattern, which would spell out such a name bit by bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from redis.exceptions import ResponseError

from ..conf import conf
from ..events import COMPUTED
from ..storage import keys
from ..storage.errors import Unavailable
from .nodes import Node, asking, each, nodes, refusal

# Buckets that one SCAN walks: some 20 microseconds of the server's time.
SCAN_COUNT = 50

DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)

ENTRIES = ("record", "sql", *COMPUTED)
KINDS = (*ENTRIES, "late", "gate", "lease", "statistics", "watcher", "other")


def printable(data: bytes) -> str:
    """Text for a page or a terminal: what is not UTF-8 and what controls a terminal is escaped."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def kind(name: str) -> str:
    """One of KINDS, by the name of a key.

    By the whole of it: that it begins with page: or run: is no proof that it is ours.
    """
    if keys.is_record(name):
        return "record"
    found = keys.kind(name)
    rest = name.removeprefix(conf().PREFIX).partition(":")[2]
    ours = {
        "": lambda: False,
        "gate": lambda: _is_gate(name),
        "lease": lambda: rest[:1] + rest[-1:] == "{}" and is_ours(rest[1:-1]),
        "late": lambda: rest[:1] + rest[-1:] == "{}" and kind(rest[1:-1]) in ENTRIES,
        "statistics": lambda: rest.removeprefix("account-").isdecimal() or name == keys.feed(),
    }.get(found, lambda: DIGEST.fullmatch(rest) is not None)
    return found if ours() else "other"


def is_ours(name: str) -> bool:
    """Whether a key is named as the layer names its own."""
    return kind(name) != "other"


def _is_gate(name: str) -> bool:
    """Of a table of one of this site's databases."""
    return any(name.startswith(keys.gate(alias, "")) for alias in connections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it was when Redis was asked; None where Redis does not tell (any more)."""

    raw: bytes
    type: str
    ttl: float | None  # seconds left; None: it never expires
    bytes: int | None  # MEMORY USAGE: with all overhead; an estimate for a large hash
    idle: int | None  # seconds since the last access
    frequency: int | None  # of access under an LFU policy: 0 to 255, logarithmic, decaying
    what: str = ""  # in words, where somebody has looked: see description.py
    tables: tuple[str, ...] = ()  # that it stands behind, where somebody has looked

    @property
    def name(self) -> str:
        return printable(self.raw)

    @property
    def kind(self) -> str:
        return kind(self.name)

    @property
    def is_entry(self) -> bool:
        """A cached value, and not what the layer keeps for its own use."""
        return self.kind in ENTRIES

    @property
    def is_text(self) -> bool:
        """The name is the key itself, with nothing escaped."""
        return self.name.encode() == self.raw

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.name,
            "kind": self.kind,
            "type": self.type,
            "ttl": self.ttl,
            "bytes": self.bytes,
            "idle": self.idle,
            "frequency": self.frequency,
            "what": self.what,
            "tables": list(self.tables),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotal:
    kind: str
    count: int
    bytes: int | None  # None: nobody has asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first keys that SCAN gave. It walks a hash table, so they are as good as any others."""

    keys: list[Key] = field(default_factory=list)
    others: int = 0  # keys of other programs
    total: int | None = 0  # keys in the database
    complete: bool = True
    listed: bool = True  # some server has told what keys it has
    refusals: tuple[str, ...] = ()  # what was refused, and what is unknown for that: a line each

    @property
    def unknown(self) -> list[str]:
        """A line for each thing that cannot be known."""
        found = [*self.refusals]
        if any(key.bytes is None for key in self.keys):
            found.append("Redis does not tell what memory each key takes (MEMORY USAGE)")
        if any(key.frequency is None and key.idle is None for key in self.keys):
            found.append("Redis does not tell which keys are in use (OBJECT)")
        return found

    def kinds(self) -> list[KindTotal]:
        """Of the sample, every kind, in the order of KINDS; none where no key was listed."""
        if not self.listed:
            return []
        by_kind: dict[str, list[Key]] = {name: [] for name in KINDS if name != "other"}
        for key in self.keys:
            by_kind[key.kind].append(key)
        return [
            *(
                KindTotal(kind=name, count=len(found), bytes=_sum(key.bytes for key in found))
                for name, found in by_kind.items()
            ),
            KindTotal(kind="other", count=self.others, bytes=None),
        ]

    @property
    def size(self) -> int:
        """How many keys it is of."""
        return len(self.keys) + self.others

    @property
    def entries(self) -> list[Key]:
        return [key for key in self.keys if key.is_entry]

    def largest(self, number: int = 10) -> list[Key]:
        """The entries that take most memory."""
        known = [key for key in self.entries if key.bytes is not None]
        return sorted(known, key=lambda key: key.bytes or 0, reverse=True)[:number]

    @property
    def counts_accesses(self) -> bool:
        """Whether `hottest` goes by frequency; otherwise by the time of the last access."""
        return any(key.frequency is not None for key in self.keys)

    def hottest(self, number: int = 10) -> list[Key]:
        """The most often used entries; where Redis does not count, the most recently used."""
        if self.counts_accesses:
            return sorted(self.entries, key=lambda key: key.frequency or 0, reverse=True)[:number]
        known = [key for key in self.entries if key.idle is not None]
        return sorted(known, key=lambda key: key.idle or 0)[:number]


def sample(limit: int = 1000) -> Sample:
    """At most about `limit` keys, of every node the same share. Raises Unavailable."""
    with asking() as redis:
        share = limit / len(nodes(redis))
    asked = each(lambda node: _sample(node, share))
    parts = [found.answer for found in asked if found.answer]
    away = [found.away for found in asked if found.trouble]
    if not parts:
        raise Unavailable(asked[0].trouble)
    totals = [part.total for part in parts]
    return Sample(
        keys=[key for part in parts for key in part.keys],
        others=sum(part.others for part in parts),
        total=None if away or None in totals else sum(totals),
        complete=not away and all(part.complete for part in parts),
        listed=any(part.listed for part in parts),
        refusals=tuple(dict.fromkeys([*away, *(r for part in parts for r in part.refusals)])),
    )


def _sample(node: Node, limit: float) -> Sample:
    found: dict[bytes, Key] = {}
    others: set[bytes] = set()
    share, at, refusals = 0, 0, []
    total: int | None = None
    try:
        total = node.redis.dbsize()
    except ResponseError as error:
        refusals.append(f"{refusal(error)}: how many keys there are is unknown")
    try:
        while share < limit:
            at, names = node.redis.scan(at, count=SCAN_COUNT)
            mine = ours(names)
            found |= {key.raw: key for key in look(node.redis, mine)}
            others |= {*names} - {*mine}
            share += len(names)
            if at == 0:
                break
    except ResponseError as error:
        line = f"{refusal(error)}: which keys there are is unknown"
        return Sample(total=total, complete=False, listed=False, refusals=(*refusals, line))
    return Sample(
        keys=[*found.values()],
        others=len(others),
        total=total,
        complete=at == 0,
        refusals=tuple(refusals),
    )


def _sum(sizes: Iterable[int | None]) -> int | None:
    """None where one is not known."""
    found = [*sizes]
    return None if None in found else sum(size for size in found if size)


def ours(names: Iterable[bytes]) -> list[bytes]:
    return [name for name in names if is_ours(printable(name))]


def look(redis: Any, names: Iterable[bytes]) -> list[Key]:
    """What Redis knows of these keys, in one round trip; without those that are gone."""
    names = list(dict.fromkeys(names))  # SCAN may give a key twice
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        # What tells of the last access comes before anything that might be taken for one.
        pipeline.object("freq", name)
        pipeline.object("idletime", name)
        pipeline.memory_usage(name)
        pipeline.pttl(name)
        pipeline.type(name)
    replies = iter(pipeline.execute(raise_on_error=False)) if names else iter(())
    return [key for key in map(_key(replies), names) if key.type != "none"]


def _key(replies: Iterator[Any]) -> Callable[[bytes], Key]:
    def known() -> Any:
        # One of freq and idletime is always refused; the others where an operator forbids them.
        reply = next(replies)
        return None if isinstance(reply, ResponseError) else reply

    def key(raw: bytes) -> Key:
        frequency, idle, size, ms, type_ = (known() for _ in range(5))
        return Key(
            raw=raw,
            type=printable(type_ or b"?"),
            ttl=None if ms is None or ms < 0 else ms / 1000,
            bytes=size,
            idle=idle,
            frequency=frequency,
        )

    return key
