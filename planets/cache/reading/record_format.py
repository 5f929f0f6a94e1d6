"""Rows as records: a Redis hash `<table>:<id>` of plain text, one field a column.

Any client can read them with HGETALL. What makes a hash ours is one more field, MARKER; a hash
without it, or of another schema or database, is a miss that is overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

import msgspec
from django.db import models

from .. import active
from ..conf import conf
from ..events import Kind
from ..storage import keys, leases, places
from ..storage.slots import clustered
from ..storage.stamps import MARKER
from ..storage.wire import Command, Reply
from . import seal
from .dependencies import Tracker
from .envelope import Undecodable, Unencodable
from .gated import GatedShelf
from .late import PUNCTUAL, Late
from .lookup import Found, Lookup, Seen, oldest
from .rows import Row
from .texts import text_of
from .weight import of_rows, of_values

# The marker has: seal, schema and database, the filler's token, times of fill and expiry, ms of the
# load, "absent" or "", generations: with spaces between. On a Redis Cluster "@" and a run follow.
MARKER_BYTES = 1_000  # it is never as long as that


def ask_token(key: str) -> Command:
    """The command that asks under which token a record lies in Redis."""
    return ("HGET", key, MARKER)


def read_token(reply: Reply) -> str | None:
    """Its reply; None where there is no record of ours."""
    if not isinstance(reply, bytes):
        return None
    words = reply.split(b" ", 3)
    return words[2].decode("ascii", "replace") if len(words) == 4 else None


class RecordShelf(GatedShelf):
    """The rows of one model's table, each a hash."""

    kind: Kind = "record"
    # A row goes stale with the bulk generation; an absence with any write to its table.
    of_value, of_absence = slice(0, 2), slice(1, 3)
    only_absences = True

    def __init__(self, model: type[models.Model]) -> None:
        """Raises ImproperlyConfigured for a field that has no plain text."""
        self.table = model._meta.db_table.lower()
        fields: list[Any] = list(model._meta.concrete_fields)
        self.sql = ", ".join(field.column for field in fields)
        self.columns = [field.column.encode() for field in fields]
        self.texts = [text_of(field) for field in fields]
        self.readers = [text.read for text in self.texts]
        self.moments = [at for at, text in enumerate(self.texts) if datetime in text.types]
        self.changeable = [at for at, text in enumerate(self.texts) if not text.shared]
        self.shape = [(field.column, type(field).__name__) for field in fields]
        self.schema = lru_cache(maxsize=16)(self._schema)

    def lookup(
        self,
        alias: str,
        wanted: Iterable[str],
        ttl: float | None = None,
        late: Late = PUNCTUAL,
        second_sight: bool = False,
    ) -> Lookup:
        """Where the records of these keys belong."""
        return Lookup(
            shelf=self,
            alias=alias,
            keys=tuple(wanted),
            gates=keys.gates_of_records(alias, self.table),
            tables=(self.table,),
            sql=self.sql,
            ttl=ttl,
            max_age=oldest(ttl),
            late=late,
            second_sight=second_sight,
            schema=self.schema(self.origin(alias)),
        )

    def read(self, key: str) -> Command:
        return ("HGETALL", key)

    def weigh(self, key: str, found: Found) -> int:
        return of_rows([found.value or ()]) + of_values(found.generation)

    def note_entry(
        self, tracker: Tracker, lookup: Lookup, seen: Seen, key: str, token: str | None
    ) -> None:
        """A record in Redis is known by its token; one that is not there goes with its table."""
        if token is not None:
            tracker.note_record(key, token)
        else:
            tracker.note_gates({lookup.gates[2]: seen.generations[2]})

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: leases.Expiry, found: Found
    ) -> Command:
        fields: dict[bytes, bytes] = {}
        for value, name, text in zip(found.value or (), self.columns, self.texts, strict=False):
            if value is None:
                continue
            if type(value) not in text.types:
                wanted = " or ".join(sorted(kind.__name__ for kind in text.types))
                raise Unencodable(f"{name!r} is a {type(value).__name__}, not {wanted}")
            fields[name] = text.write(value).encode()
        if sum(map(len, fields.values())) > conf().MAX_BYTES:
            raise Unencodable(f"it is longer than MAX_BYTES, {conf().MAX_BYTES}")
        words = " ".join(
            (
                lookup.schema,
                token,
                f"{found.filled:.3f}",
                f"{found.expires:.3f}",
                f"{found.load_ms or 0:.3f}",
                "absent" if found.value is None else "",
                *found.generation,
            )
        )
        told = words.encode()
        marker = self.seal(key, told, self.texts_of(fields)) + b" " + told
        if clustered():
            marker += b"@"  # the run follows: see stamps.py
        pairs = [part for pair in fields.items() for part in pair]
        return leases.fill("fill_hash", key, token, expiry, *pairs, MARKER, marker)

    def origin(self, alias: str) -> str:
        """The database, and the time zone in which Django reads its datetimes."""
        return f"{places.identity(alias)} {places.zone(alias)}"

    def _schema(self, origin: str) -> str:
        """Changes with the columns and the origin, so that no other hash is taken for ours."""
        told = repr((keys.FORMAT, self.shape, origin))
        return blake2b(told.encode(), digest_size=6).hexdigest()

    def decode(self, lookup: Lookup, key: str, reply: Reply) -> Found | None:
        if isinstance(reply, list):  # RESP2 has no maps
            reply = dict(zip(reply[::2], reply[1::2], strict=True))
        if not isinstance(reply, dict):
            raise Undecodable("not a hash")
        if not reply:
            return None
        size = sum(map(len, reply.values()))
        if size > conf().MAX_BYTES + MARKER_BYTES:
            raise Undecodable(f"{size} bytes are more than MAX_BYTES, {conf().MAX_BYTES}")
        try:
            sealed, _, told = reply[MARKER].partition(b"@")[0].partition(b" ")
            schema, token, filled, expires, load_ms, absent, *generation = told.decode().split(" ")
            if schema != lookup.schema:
                raise Undecodable("of another schema or database")
            texts = self.texts_of(reply)
            if not compare_digest(sealed, self.seal(key, told, texts)):
                raise Undecodable("altered, or not sealed by this site")
            value = None if absent else self.values(texts, lookup.alias)
            return Found(
                value, tuple(generation), float(expires), size, float(load_ms),
                filled=float(filled), token=token, schema=schema,
            )  # fmt: skip
        except KeyError:
            raise Undecodable("written by another program") from None
        except (ValueError, ArithmeticError) as error:
            raise Undecodable(str(error)) from error

    def texts_of(self, fields: dict[bytes, bytes]) -> list[bytes | None]:
        """Of our columns; None is NULL."""
        return list(map(fields.get, self.columns))

    def values(self, texts: list[bytes | None], alias: str) -> Row:
        """As loaded: a tuple, for the near tier gives it to many."""
        values = [
            None if text is None else read(text)
            for text, read in zip(texts, self.readers, strict=True)
        ]
        if self.moments and (zone := active.connection(alias).timezone):
            # The text has what the clock showed; of the zone it has the offset alone.
            for at in self.moments:
                if moment := values[at]:
                    values[at] = moment.replace(tzinfo=zone)
        return tuple(values)

    def own(self, row: Row) -> Row:
        """The row for one reader, who may change what is in it."""
        if not self.changeable:
            return row
        values = list(row)
        for at in self.changeable:
            values[at] = deepcopy(values[at])
        return tuple(values)

    def seal(self, key: str, told: bytes, texts: list[bytes | None]) -> bytes:
        """Of the texts of our columns, and of what the marker tells besides."""
        return seal.seal(key, told, _texts.encode(texts)).hex().encode()


_texts = msgspec.msgpack.Encoder()  # tells NULL from a text, and where each text ends
