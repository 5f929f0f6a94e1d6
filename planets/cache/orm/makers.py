"""Results straight from rows: no compiler, no klass_info and no iterable of Django's.

A plan keeps one maker for each kind of result. Of rows that the near tier shares it keeps with them
what can be made once, dictionaries for instances and converted tuples; each caller gets copies.
What is not plain here (a model with an __init__ of its own, multi-table inheritance, composite
keys, an annotation that has the name of a property) has no maker, and Django makes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from sys import getsizeof
from typing import Any

from django.db import models
from django.db.models import query as iterables
from django.db.models.base import ModelState

from .. import active
from ..reading.plain import is_djangos
from ..reading.rows import Row, SharedRows
from .converters import Converters, convert
from .instances import Builder, builder

Parts = tuple[dict[str, Any] | None, ...]  # of one row: each model's fields, None where no row


class Part:
    """One model's columns of a row, and how its instance is tied to the one that leads to it."""

    def __init__(self, info: Any, select: Any, leads: int) -> None:
        columns = info["select_fields"]
        self.model, self.leads = info["model"], leads
        self.start, self.end = columns[0], columns[-1] + 1
        self.names = [column[0].target.attname for column in select[self.start : self.end]]
        self.key = self.start + self.names.index(self.model._meta.pk.attname)
        self.local, self.remote = info.get("local_setter"), info.get("remote_setter")
        self.cache_name = _only_cache_name(info)

    def fields(self, row: Row) -> dict[str, Any] | None:
        """What an instance has in its __dict__, with room for its state, first as Django's."""
        if self.local and row[self.key] is None:
            return None
        found: dict[str, Any] = {"_state": None}
        found.update(zip(self.names, row[self.start : self.end], strict=True))
        return found


def _only_cache_name(info: Any) -> str:
    """Where the instance that leads to a part keeps it, if to put it there is all that ties them:
    of a foreign key, whose other side does not know of it. Else "".
    """
    field = info.get("field")
    if field is None or info["reverse"] or field.unique:
        return ""
    plain = info["local_setter"] == field.set_cached_value
    return str(field.cache_name) if plain and is_djangos(type(field)) else ""


class Instances:
    """Of a model, with those that select_related() joins."""

    def __init__(self, compiler: Any) -> None:
        self.parts: list[Part] = []
        self._take(compiler.klass_info, compiler.select, 0)
        self.annotations = tuple((compiler.annotation_col_map or {}).items())
        model = self.parts[0].model
        if any(inspect.getattr_static(model, name, None) for name, _ in self.annotations):
            raise TypeError("an annotation has the name of something of the model's")

    def _take(self, info: Any, select: Any, leads: int) -> None:
        if info.get("from_parent") or len(info["select_fields"]) == 0:
            raise TypeError("a child shares its parent's columns")
        part = Part(info, select, leads)
        self.parts.append(part)
        own = len(self.parts) - 1
        for related in info.get("related_klass_infos", ()):
            self._take(related, select, own)

    def is_quick(self) -> bool:
        """Now: a receiver of pre_init or post_init may come at any time."""
        return all(isinstance(builder(part.model), Builder) for part in self.parts)

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        prepared: list[Parts] = []
        for row in rows:
            fields = tuple([part.fields(row) for part in self.parts])
            if self.annotations and fields[0]:
                fields[0].update((name, row[at]) for name, at in self.annotations)
            prepared.append(fields)
        return prepared

    def weigh(self, prepared: list[Any]) -> int:
        return getsizeof(prepared) + sum(
            getsizeof(fields) + sum(map(getsizeof, fields)) for fields in prepared
        )

    def make(self, prepared: list[Any], db: str) -> list[Any]:
        """Of copies: what is prepared is shared."""
        if len(self.parts) == 1:
            model = self.parts[0].model
            return [_instance(model, fields.copy(), db) for (fields,) in prepared]
        copies = (tuple([own and own.copy() for own in fields]) for fields in prepared)
        return self._all_joined(copies, db)

    def make_once(self, rows: Sequence[Row], db: str) -> list[Any]:
        """Of rows that nobody else has: each dictionary becomes an instance's own."""
        if len(self.parts) > 1:
            return self._all_joined(self.prepare(rows), db)
        (part,), annotations = self.parts, self.annotations
        model, names, start, end = part.model, part.names, part.start, part.end
        made = []
        for row in rows:
            fields: dict[str, Any] = {"_state": None}
            fields.update(zip(names, row[start:end], strict=True))
            if annotations:
                fields.update((name, row[at]) for name, at in annotations)
            made.append(_instance(model, fields, db))
        return made

    def _all_joined(self, prepared: Iterable[Parts], db: str) -> list[Any]:
        if len(self.parts) > 2 or not (name := self.parts[1].cache_name):
            return [self._joined(fields, db) for fields in prepared]
        made, (model, other) = [], [part.model for part in self.parts]
        for own, its in prepared:
            instance = _instance(model, own, db)
            related = None if its is None else _instance(other, its, db)
            instance._state.fields_cache = {name: related}
            made.append(instance)
        return made

    def _joined(self, fields: Parts, db: str) -> Any:
        made: list[Any] = []
        for part, own in zip(self.parts, fields, strict=True):
            before = made[part.leads] if made else None
            if made and before is None:
                made.append(None)
                continue
            instance = None if own is None else _instance(part.model, own, db)
            made.append(instance)
            if before is not None:
                part.local(before, instance)
                if instance is not None:
                    part.remote(instance, before)
        return made[0]


_new = object.__new__


def _instance(model: Any, fields: Any, db: str) -> Any:
    """As Builder.from_db(), of the very dict that it will have."""
    instance = _new(model)
    fields["_state"] = state = _new(ModelState)
    state.adding, state.db = False, db
    instance.__dict__ = fields
    return instance


class Tuples:
    """What values_list() and values() give, by what makes one of a row; None: the row."""

    def __init__(self, of_row: Callable[[Row], Any] | None) -> None:
        self.of_row = of_row

    def is_quick(self) -> bool:
        return True

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        return list(map(tuple, rows))

    def weigh(self, prepared: list[Any]) -> int:
        return getsizeof(prepared)  # its tuples are those of the rows

    def make(self, prepared: list[Any], db: str) -> list[Any]:
        return list(map(self.of_row, prepared)) if self.of_row else list(prepared)

    def make_once(self, rows: Sequence[Row], db: str) -> list[Any]:
        return self.make(self.prepare(rows), db)


class Maker:
    """Makes the results of one plan of one kind."""

    def __init__(self, kind: Instances | Tuples) -> None:
        self.kind = kind
        self.is_quick = kind.is_quick
        self._converters = Converters()

    def results(self, rows: Sequence[Row], db: str, revive: Callable[[], Any]) -> list[Any]:
        if not isinstance(rows, SharedRows):
            return self.kind.make_once(self._converted(rows, db, revive)[0], db)
        prepared = rows.kept_for(self)
        if prepared is None:
            converted, may_keep = self._converted(rows, db, revive)
            prepared = self.kind.prepare(converted)
            if may_keep:
                rows.keep_for(self, prepared, converted, self.kind.weigh(prepared))
        return self.kind.make(prepared, db)

    def _converted(
        self, rows: Sequence[Row], db: str, revive: Callable[[], Any]
    ) -> tuple[Sequence[Row], bool]:
        """The rows after Django's converters, and whether every reader gets the same of them."""

        def find() -> Any:
            compiler = revive()
            columns = [select[0] for select in compiler.select[: compiler.col_count]]
            return compiler.get_converters(columns)

        connection = active.connection(db)
        found = self._converters.of(connection, find)
        if not found:
            return rows, True
        return convert(rows, found, connection), self._converters.are_djangos


def maker(compiler: Any, iterable: type) -> Maker | None:
    """Of a compiler that has compiled; None where Django must make the results."""
    columns = [select[0] for select in compiler.select[: compiler.col_count]]
    if compiler.has_composite_fields(columns) or hasattr(models.QuerySet, "fetch_mode"):
        return None
    if not compiler.converts_as_djangos():
        return None
    query = compiler.query
    if iterable is iterables.ModelIterable and compiler.klass_info:
        try:
            return Maker(Instances(compiler))
        except (TypeError, ValueError):
            return None
    if iterable is iterables.ValuesListIterable:
        return Maker(Tuples(None))
    if iterable is iterables.FlatValuesListIterable:
        return Maker(Tuples(itemgetter(0)))
    if iterable is iterables.ValuesIterable:
        names = list(getattr(query, "selected", None) or ()) or [
            *query.extra_select, *query.values_select, *query.annotation_select
        ]  # fmt: skip
        return Maker(Tuples(lambda row: dict(zip(names, row, strict=False))))
    return None
