"""The names of things in Redis. Nothing else in the project spells a key."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.db import connections

# Part of every digest, so that a release that reads another format never meets the old one's
# entries. Raise it with any change to codec.Entry.
FORMAT = 2

# An entry that outlives its gate is unreachable, so a gate outlives any sensible TTL.
GATE_MS = 7 * 24 * 3600 * 1000

# Immutable, and told by repr() in both type and value: 1, "1", True, Decimal("1") make four keys.
TELLING: frozenset[type] = frozenset(
    {
        str, int, float, bool, bytes, type(None), decimal.Decimal, uuid.UUID,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip


class UntellableParameter(TypeError):
    """A parameter whose repr() need not tell it from another value."""


def sql(alias: str, statement: str, params: Sequence[Any], shape: str) -> str:
    """`sql:<digest>` for a statement on a database.

    `shape` tells apart what is kept of the same SQL: one row or all, how many columns, dicts.
    Raises UntellableParameter.
    """
    for param in params:
        if type(param) not in TELLING:
            raise UntellableParameter(f"{type(param).__qualname__} cannot be part of a key")
    text = repr((FORMAT, database(alias), shape, statement, tuple(params)))
    return "sql:" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def gate(alias: str, table: str) -> str:
    """`gen:<alias>:<table>`: the gate of a table. MySQL may fold case, so the key does."""
    return f"gen:{database(alias)}:{table.lower()}"


@lru_cache(maxsize=64)
def database_gate(alias: str) -> str:
    """`gen:<alias>:*`: the gate that every entry of a database stands behind."""
    return f"gen:{database(alias)}:*"


@lru_cache(maxsize=64)
def server_run(alias: str) -> str:
    """`run:<alias>`: which run of which server the entries of a database were last trusted in."""
    return f"run:{database(alias)}"


@lru_cache(maxsize=4096)
def records_gate(alias: str, table: str) -> str:
    """`gen:<alias>:<table>#rows`: the bulk generation that every record of a table carries."""
    return gate(alias, table) + "#rows"


def minute(number: int) -> str:
    """`stat:<minute>`: what was fetched in one minute, counted since 1970."""
    return f"stat:{number}"


PREFIXES = {"sql:": "sql", "gen:": "gate", "lease:": "lease", "run:": "gate", "stat:": "statistics"}


def kind(key: str) -> str:
    """What a key is by its name: one of PREFIXES' values, or "" (a record, or not ours)."""
    return PREFIXES.get(key[: key.find(":") + 1], "")


def lease(key: str) -> str:
    """`lease:{<key>}`: the braces put it into the cluster slot of the key it guards."""
    return f"lease:{{{key}}}"


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """How the rows of one table are named as records."""

    prefix: str
    column: str  # of the primary key, an integer

    def key(self, pk: int) -> str:
        return f"{self.prefix}:{pk}"


# Table to its records; each Records that a model class declares adds itself.
RECORDS: dict[str, RecordKeys] = {}


def is_record(key: str) -> bool:
    """Whether a key is named as a record of one of those tables."""
    prefix, _, pk = key.rpartition(":")
    return any(prefix == names.prefix for names in RECORDS.values()) and pk.isdecimal()


@lru_cache(maxsize=64)
def database(alias: str) -> str:
    """The first alias that names the same database: a write by either must reach both."""
    mine = _place(alias)
    return next(other for other in connections if _place(other) == mine)


def _place(alias: str) -> tuple[str, ...]:
    settings = connections.settings[alias]
    return tuple(str(settings.get(part, "")) for part in ("ENGINE", "HOST", "PORT", "NAME"))
