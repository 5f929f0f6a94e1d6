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
from django.db import models, router, transaction
from django.db.models.signals import class_prepared

from .conf import conf
from .orm.instances import builder
from .orm.rows_by_key import RowsByKey
from .reading import path
from .reading.record_format import RecordShelf
from .storage import keys

M = TypeVar("M", bound=models.Model)


class Records(Generic[M]):
    """The rows of a model's table as Redis hashes `<table>:<id>`.

        class City(models.Model):
            records = Records()

        City.records.get(3)  # reads city:3

    For a model whose class is somebody else's, `Records(TheirModel)` in the ready() of an app of
    yours does the same.
    """

    model: type[M]
    names: keys.RecordKeys

    def __init__(self, model: type[M] | None = None, *, ttl: float | None = None) -> None:
        """`ttl` is seconds, by default CACHE_ASIDE's.

        Raises ImproperlyConfigured for a model that can have no records.
        """
        self.ttl = ttl
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
                sender.add_to_class(name, own := type(self)(ttl=self.ttl))
                own._bind(sender)

        # The fields are complete when the class is; a weak receiver would be gone by then.
        class_prepared.connect(prepared, weak=False)

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
        self.model = model
        self.names = keys.RecordKeys(model._meta.db_table, str(model._meta.pk.column).lower())
        keys.RECORDS[model._meta.db_table.lower()] = self.names
        BY_TABLE[model._meta.db_table.lower()] = self

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

    # --- reading

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
            rows = self._rows.load(alias, [wanted[key] for key in missing])
            by_pk = {row[self._pk_at]: row for row in rows}
            return {key: by_pk.get(wanted[key]) for key in missing}

        values = path.fetch(self.shelf.lookup(alias, wanted, self.ttl), load)
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

    # --- writing

    def saved(self, pk: int, using: str) -> None:
        """After a save: with WRITE_THROUGH the fresh row is stored as soon as it is committed."""
        if conf().WRITE_THROUGH:
            transaction.on_commit(lambda: self.get(pk), using=using, robust=True)


# Table to its records, for those who look into the cache; keys.RECORDS has what a write needs.
BY_TABLE: dict[str, Records[Any]] = {}
