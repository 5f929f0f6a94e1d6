"""The names of things in Redis. Nothing else in the project spells a key."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.db import connections

from ..conf import conf
from ..events import COMPUTED
from . import places
from .slots import SLOTS, clustered, part_of, slot_of

# Part of every digest, so that a release that reads another format never meets the old one's
# entries. Raise it with any change to codec.Entry.
FORMAT = 3

# An entry that outlives its gate is unreachable, so a gate outlives any sensible TTL.
GATE_MS = 7 * 24 * 3600 * 1000

# Into so many parts the slots of a Redis Cluster are divided, each with a gate of everything. As
# many primaries can share what reads these; each second every process greets each of them.
PARTS = 16

# Immutable, and told by repr() in both type and value: 1, "1", True, Decimal("1") make four keys.
TELLING: frozenset[type] = frozenset(
    {
        str, int, float, bool, bytes, type(None), decimal.Decimal, uuid.UUID,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip


class UntellableParameter(TypeError):
    """A parameter whose repr() need not tell it from another value."""


# As a cursor takes them: by position, or by name.
Params = Sequence[Any] | Mapping[str, Any]


def sql(alias: str, statement: str, params: Params, shape: str) -> str:
    """`sql:<digest>` for a statement on a database.

    `shape` tells apart what is kept of the same SQL: one row or all, how many columns, dicts.
    Raises UntellableParameter.
    """
    told: Any
    if isinstance(params, Mapping):
        told = {_told(name): _told(params[name]) for name in sorted(params, key=str)}
    else:
        told = tuple([p if type(p) in TELLING else _told(p) for p in params])
    text = repr((FORMAT, places.identity(alias), shape, statement, told))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{conf().PREFIX}sql:{digest}"


def _told(param: Any) -> Any:
    """What of a parameter is part of a key. Raises UntellableParameter."""
    kind = type(param)
    if kind in TELLING:
        return param
    if kind in (tuple, list):  # of `IN %s`
        return kind(map(_told, param))
    if (text := as_plain_text(param)) is not None:
        return text
    raise UntellableParameter(f"{kind.__qualname__} cannot be part of a key")


def as_plain_text(value: Any) -> str | None:
    """The str that drivers send for a value of a subclass of str; None for any other value.

    A member of TextChoices or StrEnum, or a SafeString. sqlite3 sends the characters that it holds,
    MySQLdb its str(): a value that has two answers is none.
    """
    if not isinstance(value, str) or hasattr(type(value), "__conform__"):
        return None
    text = str.__str__(value)
    return text if str(value) == text else None


def computed(kind: str, around: Hashable, *parts: Any) -> str:
    """`page:<digest>`, `fragment:<digest>` or `value:<digest>`, of all that tells it from others.

    `around` is what many have in common. Which databases it will read nobody knows, so it is of all
    that this site has. Raises UntellableParameter.
    """
    check_telling(parts)
    digest = _begun(sights(), around).copy()
    digest.update(repr(parts).encode("utf-8", "surrogatepass"))
    return f"{conf().PREFIX}{kind}:{digest.hexdigest()}"


def sights() -> tuple[str, ...]:
    """The databases that this site looks into; a replica's is its primary's."""
    return tuple(dict.fromkeys(map(places.sight, connections)))


@lru_cache(maxsize=256)
def _begun(databases: tuple[str, ...], around: Hashable) -> Any:
    told = repr((FORMAT, databases, around))
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16)


def check_telling(value: Any) -> None:
    """Raises UntellableParameter for what repr() need not tell from another value."""
    if type(value) in (tuple, list):
        if not TELLING.issuperset(map(type, value)):
            for part in value:
                check_telling(part)
    elif type(value) not in TELLING:
        raise UntellableParameter(
            f"{value!r:.80} is a {type(value).__qualname__}, which cannot be part of a key: "
            "give a number, a text, a date or a tuple of such"
        )


def gate(alias: str, table: str) -> str:
    """`gen:<database>:<table>`: the gate of a table. MySQL may fold case, so the key does."""
    return _gate(conf().PREFIX, places.database_name(alias), table)


@lru_cache(maxsize=4096)
def _gate(prefix: str, database: str, table: str) -> str:
    return f"{prefix}gen:{database}:{table.lower()}"


def database_gate(alias: str, beside: str = "") -> str:
    """`gen:<database>:*`: the gate that every entry of a database stands behind.

    On a Redis Cluster one key that every fetch reads would make one node the hottest. So there
    this gate is PARTS gates, `gen:<database>:*<number>`, one in each part of all slots. A fetch
    reads one of them: that of the part in which its table's gate lies, or the entry, where no
    table is known yet. So it is asked of the same node as a gate that is read anyway, and is as
    hot as that. Which one is told by names alone, so whoever fills an entry and whoever reads it
    mean the same; and what makes everything unreachable closes and opens all of them.
    """
    return _database_gate(conf().PREFIX, places.database_name(alias), beside, clustered())


def database_gates(alias: str) -> tuple[str, ...]:
    """All that `database_gate` may give."""
    return _database_gates(conf().PREFIX, places.database_name(alias), clustered())


@lru_cache(maxsize=4096)
def _database_gate(prefix: str, database: str, beside: str, clustered: bool) -> str:
    all_of_them = _database_gates(prefix, database, clustered)
    return all_of_them[slot_of(beside) * len(all_of_them) // SLOTS]


@lru_cache(maxsize=64)
def _database_gates(prefix: str, database: str, clustered: bool) -> tuple[str, ...]:
    gate = _gate(prefix, database, "*")
    return tuple(part_of(gate, part, PARTS) for part in range(PARTS)) if clustered else (gate,)


def behind(gate: str) -> str:
    """What stands behind a gate: `*`, a table, or a part of one: `<table>#rows`, `<table>#hot`."""
    return "*" if is_database_gate(gate) else gate.removeprefix(conf().PREFIX).split(":", 2)[-1]


def records_gate(alias: str, table: str) -> str:
    """`gen:<database>:<table>#rows`: the bulk generation that every record of a table carries."""
    return _gate(conf().PREFIX, places.database_name(alias), f"{table}#rows")


def hot_gate(alias: str, table: str) -> str:
    """`gen:<database>:<table>#hot`: the gate of a table's hot columns."""
    return _gate(conf().PREFIX, places.database_name(alias), f"{table}#hot")


def gates_of_records(alias: str, table: str) -> tuple[str, str, str]:
    """Those of a table's records, of all of its database, and of the table."""
    return _gates_of_records(conf().PREFIX, places.database_name(alias), table, clustered())


@lru_cache(maxsize=1024)
def _gates_of_records(
    prefix: str, database: str, table: str, clustered: bool
) -> tuple[str, str, str]:
    gate = _gate(prefix, database, table)
    return (
        _gate(prefix, database, f"{table}#rows"),
        _database_gate(prefix, database, gate, clustered),
        gate,
    )


def is_database_gate(key: str) -> bool:
    """Whether a gate is that of a whole database."""
    return key.rpartition(":*")[2].isdecimal() if clustered() else key.endswith(":*")


def minute(number: int) -> str:
    """`stat:<minute>`: what was fetched in one minute, counted since 1970."""
    return f"{conf().PREFIX}stat:{number}"


def account(hour: int) -> str:
    """`stat:account-<hour>`: the account of statements of one hour, counted since 1970."""
    return f"{conf().PREFIX}stat:account-{hour}"


def feed() -> str:
    """`stat:invalidations`: what has gone stale lately, the newest first."""
    return f"{conf().PREFIX}stat:invalidations"


def watcher(alias: str, what: str) -> str:
    """`watcher:{<database>}:<what>`: of the binlog's watcher, all in one cluster slot."""
    return f"{conf().PREFIX}watcher:{{{places.database_name(alias)}}}:{what}"


def lease(key: str) -> str:
    """`lease:{<key>}`: the braces put it into the cluster slot of the key that it guards."""
    return f"{conf().PREFIX}lease:{{{key}}}"


def late(key: str) -> str:
    """`late:{<key>}`: a copy of the entry for those who accept that it is not current."""
    return f"{conf().PREFIX}late:{{{key}}}"


def owner(database_gate: str) -> str:
    """`owner:{gen:<database>:*}`: the lease of a whole database, held by the one that it names."""
    return f"{conf().PREFIX}owner:{{{database_gate}}}"


KINDS = {
    **{f"{kind}:": kind for kind in COMPUTED},
    "sql:": "sql",
    "gen:": "gate",
    "lease:": "lease",
    "late:": "late",
    "owner:": "lease",
    "stat:": "statistics",
    "watcher:": "watcher",
}


def kind(key: str) -> str:
    """What a key is by its name: one of KINDS' values, or "" (a record, or not ours)."""
    prefix = conf().PREFIX
    if not key.startswith(prefix):
        return ""
    return KINDS.get(key[len(prefix) : key.find(":", len(prefix)) + 1], "")


def tracked() -> list[str]:
    """What the keys that the near tier keeps begin with."""
    kinds = ("sql", "gen", *COMPUTED, *(names.prefix for names in RECORDS.values()))
    return [f"{conf().PREFIX}{kind}:" for kind in kinds]


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """How the rows of one table are named as records."""

    prefix: str
    column: str  # of the primary key, an integer

    def key(self, pk: int) -> str:
        return f"{conf().PREFIX}{self.prefix}:{pk}"


# Table to its records; each Records that a model class declares adds itself.
RECORDS: dict[str, RecordKeys] = {}


def is_record(key: str) -> bool:
    """Whether a key is named as a record of one of those tables."""
    return record_table(key) is not None


def record_table(key: str) -> str | None:
    """The table of the record that a key is named as, in lower case; None for any other key."""
    start, _, pk = key.rpartition(":")
    if not (pk.isascii() and pk.isdecimal()):
        return None
    prefix = conf().PREFIX
    return next((table for table, names in RECORDS.items() if start == prefix + names.prefix), None)
