"""Rows as records: a Redis hash `<table>:<id>` of plain text, one field a column.

Any client can read them with HGETALL. What makes a hash ours is one more field, MARKER; a hash
without it (another program's, or of an older schema) is a miss that is overwritten.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import models, router, transaction

from . import aside, keys, lease
from .aside import Found, Lookup
from .by_key import RowsByKey
from .client import Command, Reply
from .codecs import Undecodable, Unencodable
from .conf import conf
from .instances import builder
from .rows import Row
from .signals import Kind

M = TypeVar("M", bound=models.Model)

# Schema fingerprint, checksum, expiry, ms of the load, "absent" or "", generations: with spaces.
MARKER = b"_aside"
# How the checksum tells NULL from a text.
NUL, NULL = b"\0", b"\xff"


@dataclass(frozen=True, slots=True)
class Text:
    """The plain text of one kind of field, there and back."""

    type: type
    write: Callable[[Any], str]
    read: Callable[[bytes], Any]


def _plain(type_: type, read: Callable[[str], Any], write: Callable[[Any], str] = str) -> Text:
    return Text(type_, write, lambda data: read(data.decode()))


MICROSECOND = datetime.timedelta(microseconds=1)

# The first that fits. A value whose type is not the one named is not stored.
TEXTS: tuple[tuple[type[models.Field[Any, Any]], Text], ...] = (
    (
        models.BooleanField,
        Text(bool, lambda value: "1" if value else "0", {b"1": True, b"0": False}.__getitem__),
    ),
    (models.IntegerField, Text(int, str, int)),
    (models.FloatField, Text(float, repr, float)),
    (models.DecimalField, _plain(decimal.Decimal, decimal.Decimal)),
    (models.CharField, Text(str, str, bytes.decode)),
    (models.TextField, Text(str, str, bytes.decode)),
    (models.GenericIPAddressField, Text(str, str, bytes.decode)),
    (models.DateTimeField, _plain(datetime.datetime, datetime.datetime.fromisoformat)),
    (models.DateField, _plain(datetime.date, datetime.date.fromisoformat)),
    (models.TimeField, _plain(datetime.time, datetime.time.fromisoformat)),
    (
        models.DurationField,
        _plain(
            datetime.timedelta,
            lambda text: int(text) * MICROSECOND,
            lambda value: str(value // MICROSECOND),
        ),
    ),
    (models.UUIDField, _plain(uuid.UUID, uuid.UUID)),
    (
        models.BinaryField,
        Text(bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    ),
)


def _text_of(field: Any) -> Text:
    while field.remote_field:
        field = field.target_field
    for kind, text in TEXTS:
        if isinstance(field, kind):
            return text
    raise ImproperlyConfigured(
        f"{field} is a {type(field).__name__}, which has no plain text in a record; cache its rows "
        f"with .cached() instead."
    )


class Records(Generic[M]):
    """The rows of a model's table as Redis hashes, read by primary key (an integer)."""

    kind: Kind = "record"

    def __init__(self, model: type[M], *, ttl: float | None = None) -> None:
        """`ttl` is seconds, by default CACHE_ASIDE's.

        Raises ImproperlyConfigured for a field that has no plain text.
        """
        if parents := model._meta.get_parent_list():
            raise ImproperlyConfigured(
                f"{model._meta.label} has columns in the table of {parents[0]._meta.label}, and a "
                f"record is of one table; cache its rows with .cached() instead."
            )
        self.model = model
        self.ttl = ttl
        self.table = model._meta.db_table.lower()
        self.names = keys.RecordKeys(model._meta.db_table, str(model._meta.pk.column).lower())
        fields: list[Any] = list(model._meta.concrete_fields)
        self.sql = ", ".join(field.column for field in fields)
        self.columns = [field.column.encode() for field in fields]
        self.texts = [_text_of(field) for field in fields]
        self.attnames = [field.attname for field in fields]
        self.rows = RowsByKey(model, self.attnames)
        self.pk_at = self.attnames.index(model._meta.pk.attname)
        # Changes with any change to the columns, so that no older hash is taken for this one.
        shape = [(field.column, type(field).__name__) for field in fields]
        self.schema = blake2b(repr((keys.FORMAT, shape)).encode(), digest_size=4).hexdigest()
        keys.RECORDS[self.table] = self.names
        BY_TABLE[self.table] = self

    # --- the public face

    def get(self, pk: int) -> M | None:
        """The row as an instance, or None where there is no such row."""
        return self.get_many([pk]).get(pk)

    def get_many(self, pks: Iterable[int]) -> dict[int, M]:
        """The rows that exist, by primary key, in the order asked, in one round trip."""
        wanted = {self.names.key(pk): pk for pk in pks}
        if not wanted:
            return {}
        alias = router.db_for_read(self.model)

        def load(missing: Sequence[str]) -> dict[str, Any]:
            rows = self.rows.load(alias, [wanted[key] for key in missing])
            by_pk = {row[self.pk_at]: row for row in rows}
            return {key: by_pk.get(wanted[key]) for key in missing}

        values = aside.fetch(self.lookup(alias, wanted), load)
        make = builder(self.model)
        return {
            pk: make.from_db(alias, self.attnames, values[key])
            for key, pk in wanted.items()
            if values[key] is not None
        }

    async def aget(self, pk: int) -> M | None:
        """`get` for async code."""
        return await sync_to_async(self.get)(pk)

    async def aget_many(self, pks: Iterable[int]) -> dict[int, M]:
        """`get_many` for async code."""
        return await sync_to_async(self.get_many)(pks)

    def saved(self, pk: int, using: str) -> None:
        """After a save: with WRITE_THROUGH the fresh row is stored as soon as it is committed."""
        if conf().WRITE_THROUGH:
            transaction.on_commit(lambda: self.get(pk), using=using, robust=True)

    # --- the shelf: how a row lies in Redis

    def lookup(self, alias: str, wanted: Iterable[str]) -> Lookup:
        """Where the records of these keys belong."""
        return Lookup(
            shelf=self,
            alias=alias,
            keys=tuple(wanted),
            gates=(
                keys.rows(alias, self.table),
                keys.everything(alias),
                keys.gate(alias, self.table),
            ),
            tables=(self.table,),
            sql=self.sql,
            ttl=self.ttl,
        )

    def read(self, key: str) -> Command:
        return ("HGETALL", key)

    def behind(self, lookup: Lookup, absent: bool) -> slice:
        """A row goes stale with the bulk generation; an absence with any write to its table."""
        return slice(1, 3) if absent else slice(0, 2)

    def fill(
        self, lookup: Lookup, key: str, token: str, expiry: tuple[str, int], found: Found
    ) -> Command:
        fields: dict[bytes, bytes] = {}
        for value, name, text in zip(found.value or (), self.columns, self.texts, strict=False):
            if value is None:
                continue
            if type(value) is not text.type:
                raise Unencodable(f"{name!r} is a {type(value).__name__}, not {text.type.__name__}")
            fields[name] = text.write(value).encode()
        if sum(map(len, fields.values())) > conf().MAX_BYTES:
            raise Unencodable(f"it is longer than MAX_BYTES, {conf().MAX_BYTES}")
        marker = (
            self.schema,
            self.checksum(self.texts_of(fields)),
            f"{found.expires:.3f}",
            f"{found.load_ms or 0:.3f}",
            "absent" if found.value is None else "",
            *found.generation,
        )
        pairs = [part for pair in fields.items() for part in pair]
        return lease.fill("fill_hash", key, token, expiry, *pairs, MARKER, " ".join(marker))

    def decode(self, reply: Reply) -> Found | None:
        if isinstance(reply, list):  # RESP2 has no maps
            reply = dict(zip(reply[::2], reply[1::2], strict=True))
        if not isinstance(reply, dict):
            raise Undecodable("not a hash")
        if not reply:
            return None
        try:
            schema, checksum, expires, load_ms, absent, *generation = (
                reply[MARKER].decode().split(" ")
            )
            if schema != self.schema:
                raise Undecodable("of another schema")
            texts = self.texts_of(reply)
            if checksum != self.checksum(texts):
                raise Undecodable("altered")
            value = None if absent else self.values(texts)
            size = sum(map(len, reply.values()))
            return Found(value, tuple(generation), float(expires), size, float(load_ms))
        except KeyError:
            raise Undecodable("written by another program") from None
        except (ValueError, ArithmeticError) as error:
            raise Undecodable(str(error)) from error

    def texts_of(self, fields: dict[bytes, bytes]) -> list[bytes | None]:
        """Of our columns; None is NULL."""
        return list(map(fields.get, self.columns))

    def values(self, texts: list[bytes | None]) -> Row:
        """As loaded: a tuple, for the near tier gives it to many."""
        return tuple(
            [
                None if text is None else kind.read(text)
                for text, kind in zip(texts, self.texts, strict=True)
            ]
        )

    def checksum(self, texts: list[bytes | None]) -> str:
        """CRC-32 of the texts of our columns."""
        return f"{zlib.crc32(NUL.join([NULL if text is None else text for text in texts])):08x}"


# Table to its records, for those who look into the cache; keys.RECORDS has what a write needs.
BY_TABLE: dict[str, Records[Any]] = {}
