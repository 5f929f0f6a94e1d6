"""`records = Records()` in a model class: its rows as Redis hashes, read by primary key.

Declared there, every process that loads the model knows that its table has records, so no write of
any of them can miss one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, router, transaction
from django.db.models.signals import class_prepared

from .conf import conf
from .orm.instances import builder
from .orm.rows_by_key import RowsByKey
from .reading import path
from .reading.late import PUNCTUAL, Late, late
from .reading.lookup import check_ttl
from .reading.record_format import RecordShelf
from .reading.replicas import source
from .reading.rows import Row
from .reading.texts import REMEDY, text_of
from .storage import keys

M = TypeVar("M", bound=models.Model)
K = TypeVar("K")

USUAL = range(1, 2**31)  # which every database has room for


class Records(Generic[M]):
    """The rows of a model's table as Redis hashes `<table>:<id>`.

        class City(models.Model):
            records = Records()

        City.records.get(3)  # reads city:3

    For a model whose class is somebody else's, `Records(TheirModel)` in the ready() of an app of
    yours does the same.
    """

    model: type[M]
    late: Late = PUNCTUAL
    names: keys.RecordKeys
    second_sight = False

    def __init__(
        self,
        model: type[M] | None = None,
        *,
        ttl: float | None = None,
        max_stale: float = 0,
        stale_if_error: float = 0,
        second_sight: bool = False,
    ) -> None:
        """`ttl` is seconds, by default CACHE_ASIDE's; `max_stale` and `stale_if_error` are those of
        cached(). `second_sight`: that there is no such row is kept where it is asked for again, for
        strangers can name as many as they like.

        Raises ImproperlyConfigured for a model that can have no records, ValueError.
        """
        check_ttl(ttl)
        self.ttl, self.late = ttl, late(max_stale, stale_if_error)
        self.second_sight = second_sight
        if model is not None:
            self._bind(model)
            _ = self.shelf  # its fields are known, so what cannot be a record is told at once

    def contribute_to_class(self, model: type[M], name: str) -> None:
        """What Django calls for an attribute of a model class."""
        setattr(model, name, self)
        abstract = model._meta.abstract

        def prepared(sender: Any, **kwargs: Any) -> None:
            if sender is model:
                self._bind(model)
            elif abstract and issubclass(sender, model) and not sender._meta.proxy:
                sender.add_to_class(name, own := self._copy())
                own._bind(sender)

        # The fields are complete when the class is; a weak receiver would be gone by then.
        class_prepared.connect(prepared, weak=False)

    def _copy(self) -> Self:
        return type(self)(ttl=self.ttl, second_sight=self.second_sight, **self.late._asdict())

    def __get__(self, instance: M | None, model: type[M] | None = None) -> Self:
        if instance is not None:
            raise AttributeError("Records are reached through the model class, not an instance.")
        return self

    def _bind(self, model: type[M]) -> None:
        if parents := model._meta.get_parent_list():
            raise ImproperlyConfigured(
                f"{model._meta.label} has columns in the table of {parents[0]._meta.label}, and a "
                f"record is of one table; cache its rows with .cached() instead."
            )
        self.check(model)
        self.model = model
        self.names = keys.RecordKeys(model._meta.db_table, str(model._meta.pk.column).lower())
        keys.RECORDS[model._meta.db_table.lower()] = self.names
        BY_TABLE[model._meta.db_table.lower()] = self

    @staticmethod
    def check(model: type[M]) -> None:
        """Raises ImproperlyConfigured for a model that can have no records.

        What a relation leads to may not be known before all models are: `shelf` looks at those.
        """
        pk: Any = model._meta.pk
        while pk.remote_field and isinstance(pk.remote_field.model, type):
            pk = pk.target_field
        if not (pk.remote_field or isinstance(pk, models.IntegerField)):
            raise ImproperlyConfigured(
                f"{pk}, the primary key, is a {type(pk).__name__}, and a record is named by a "
                f"whole number; {REMEDY}"
            )
        for field in model._meta.concrete_fields:
            if not field.remote_field:
                text_of(field)

    @cached_property
    def shelf(self) -> RecordShelf:
        """How the rows lie in Redis. Raises ImproperlyConfigured for a field without a text."""
        return RecordShelf(self.model)

    @cached_property
    def attnames(self) -> list[str]:
        """The attributes of an instance, in the order of a row's values."""
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def _rows(self) -> RowsByKey:
        return RowsByKey(self.model, self.attnames)

    @cached_property
    def _pk_at(self) -> int:
        return self.attnames.index(self.model._meta.pk.attname)

    @cached_property
    def _pk(self) -> Any:
        """The primary key's own field, or the one that it leads to."""
        pk: Any = self.model._meta.pk
        while pk.remote_field:
            pk = pk.target_field
        return pk

    # --- reading

    def get(self, pk: Any) -> M | None:
        """The row as an instance, or None where there is no such row.

        As Model.objects.get(pk=...), it takes what the primary key's field makes a number of, and
        raises TypeError or ValueError for anything else.
        """
        alias = router.db_for_read(self.model)
        number = self._number(pk, alias)
        if number is None:
            return None
        key = self.names.key(number)
        row = self._fetch(alias, {key: number})[key]
        if row is None:
            return None
        made: M = builder(self.model).from_db(alias, self.attnames, self.shelf.own(row))
        return made

    def get_many(self, pks: Iterable[K]) -> dict[K, M]:
        """The rows that exist, by primary key, in the order asked, in one round trip.

        The keys of the result are those that were asked for: of "3" it is "3".
        """
        alias = router.db_for_read(self.model)
        asked = {pk: self._number(pk, alias) for pk in pks}
        by_number = {n: self.names.key(n) for n in asked.values() if n is not None}
        if not by_number:
            return {}
        rows = self._fetch(alias, {key: number for number, key in by_number.items()})
        make, own = builder(self.model).from_db, self.shelf.own
        return {
            pk: make(alias, self.attnames, own(row))
            for pk, number in asked.items()
            if number is not None and (row := rows[by_number[number]]) is not None
        }

    def _fetch(self, alias: str, wanted: dict[str, int]) -> dict[str, Row | None]:
        """The row of each key, None where there is none; `wanted` has the keys' numbers."""

        def load(missing: Sequence[str]) -> dict[str, Any]:
            rows = self._rows.load(source(alias), [wanted[key] for key in missing])
            by_pk = {row[self._pk_at]: row for row in rows}
            return {key: by_pk.get(wanted[key]) for key in missing}

        lookup = self.shelf.lookup(alias, wanted, self.ttl, self.late, self.second_sight)
        return path.fetch(lookup, load)

    def _number(self, pk: Any, alias: str) -> int | None:
        """The row's number, of which there is one name; None for what no row has.

        Raises TypeError or ValueError, as Django's field does.
        """
        if type(pk) is int and pk in USUAL:
            return pk
        number: int | None = self._pk.get_prep_value(pk)
        if number is None:
            return None
        low, high = connections[alias].ops.integer_field_range(self._pk.get_internal_type())
        within = (low is None or low <= number) and (high is None or number <= high)
        return number if within else None

    async def aget(self, pk: Any) -> M | None:
        """`get` for async code."""
        return await sync_to_async(self.get)(pk)

    async def aget_many(self, pks: Iterable[K]) -> dict[K, M]:
        """`get_many` for async code."""
        return await sync_to_async(self.get_many)(pks)

    # --- writing

    def saved(self, pk: int, using: str) -> None:
        """After a save: with WRITE_THROUGH the fresh row is stored as soon as it is committed."""
        if conf().WRITE_THROUGH:
            transaction.on_commit(lambda: self.get(pk), using=using, robust=True)


def check_all() -> None:
    """Once all models are known: raises ImproperlyConfigured for a relation without a text."""
    for records in BY_TABLE.values():
        _ = records.shelf


# Table to its records, for those who look into the cache; keys.RECORDS has what a write needs.
BY_TABLE: dict[str, Records[Any]] = {}
