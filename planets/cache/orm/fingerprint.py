"""When two queries are the same: told without compiling either, which takes longer than a hit.

A fingerprint is all that a query holds, taken apart down to plain values. Only types on the lists
below are taken apart, and classes made from those that work as they do (reading/plain): their SQL
depends on what they hold and on nothing else. A query that holds anything else (raw SQL, the time
zone of a visitor, a field with converters of its own) has no fingerprint.
"""

from __future__ import annotations

import datetime
import functools
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import FieldDoesNotExist
from django.db.models import aggregates, expressions, fields, functions, lookups
from django.db.models.base import ModelBase
from django.db.models.constants import LOOKUP_SEP
from django.db.models.fields import related, related_lookups, reverse_related
from django.db.models.functions import comparison, math
from django.db.models.functions import datetime as moments
from django.db.models.functions import text as texts
from django.db.models.query_utils import FilteredRelation, Q
from django.db.models.sql import Query
from django.db.models.sql.datastructures import BaseTable, Join
from django.db.models.sql.where import WhereNode
from django.utils.functional import cached_property

from ..reading.plain import field_works_as_djangos, is_djangos, is_plain
from ..storage import keys

# Of a query and its parts what is no part of their meaning: memos, and our own notes.
NOTES = frozenset(
    {
        *("_constructor_args", "_annotation_select_cache", "_extra_select_cache"),
        *("plan", "mark", "sought", "lifetime", "settled", "told"),
        *("used_aliases", "filter_is_sticky"),  # for the next filter(), which makes another query
    }
)
# Of longer lists the values cost as much as compiling.
MAX_VALUES = 100


def fingerprint(query: Query) -> Hashable | None:
    """Equal for two queries only where their SQL and parameters are; None where it is not told."""
    meta, nothing = query.get_meta(), frozenset[Any]()
    default = not query.order_by and query.default_ordering and not query.extra_order_by
    try:
        _selects(query.model, query.select_related)
        if query.combinator:
            _check_combined(query, meta)
        followed = _ordering(meta, nothing) if default else _led_to(meta, query.order_by, nothing)
        return _object(query), *followed
    except KeyError:
        return None


def _check_combined(query: Query, meta: Any) -> None:
    """Raises KeyError where compiling a union would change it: it is ordered by what it has not."""
    columns = set(query.values_select) or {field.name for field in meta.concrete_fields}
    deferred = not query.values_select and query.deferred_loading != (frozenset(), True)
    for name in query.order_by:
        if deferred or type(name) is not str or name.lstrip("-") not in columns:
            raise KeyError("a union that is ordered by something which is no column of it")


def fingerprint_of(
    expressions: Mapping[str, Any], others: Sequence[Any] = ()
) -> tuple[Hashable, ...] | None:
    """The same of what a query is yet to resolve: expressions and values, by name and others."""
    try:
        return (
            *[TAKE_APART[type(value)](value) for value in others],
            *[(name, TAKE_APART[type(value)](value)) for name, value in expressions.items()],
        )
    except KeyError:
        return None


def _selects(model: Any, related: Any) -> None:
    """Raises KeyError where the columns of a model, or of one that is joined, are not all plain."""
    if not _has_plain_columns(model):
        raise KeyError(f"a field of {model.__name__} may depend on more than its column")
    if related is True:
        raise KeyError("select_related() of whatever there is")
    for name, further in (related or {}).items():
        _selects(_related(model._meta, name) or _reverse(model._meta, name), further)


def _reverse(meta: Any, name: str) -> Any:
    """The model whose one row, of a OneToOneField, leads to this one."""
    found = (rel.related_model for rel in meta.related_objects if rel.get_accessor_name() == name)
    model = next(found, None)
    if model is None:
        raise KeyError(f"{name} is no relation of {meta.label}")
    return model


@cache
def _has_plain_columns(model: Any) -> bool:
    return all(map(field_works_as_djangos, model._meta.concrete_fields))


def _ordering(meta: Any, before: frozenset[Any]) -> Iterator[Hashable]:
    """A model's Meta.ordering and those that it follows."""
    names = meta.ordering or ()
    yield _sequence(names)
    yield from _led_to(meta, names, before)


def _led_to(meta: Any, names: Any, before: frozenset[Any]) -> Iterator[Hashable]:
    """The Meta.ordering of each other model that an ordering by a relation follows."""
    for name in names:
        model = _related(meta, name) if type(name) is str else None
        if model and model not in before:
            yield from _ordering(model._meta, before | {model})


def _related(meta: Any, name: str) -> Any:
    """The model at the end of a path of relations; None where it ends in anything else."""
    model = None
    for part in name.lstrip("-").split(LOOKUP_SEP):
        try:
            model = meta.get_field(part).related_model
        except FieldDoesNotExist:
            return None
        if model is None:
            return None
        meta = model._meta
    return model


def _object(whole: Any) -> Hashable:
    kind: Any = type(whole)
    notes = _notes(kind)
    return kind, *[
        (name, TAKE_APART[type(part)](part))
        for name, part in vars(whole).items()
        if name not in notes
    ]


@cache
def _notes(kind: type) -> frozenset[str]:
    """NOTES and the properties that Django remembers, but for what may also be given."""
    remembered = {name for name, _ in inspect.getmembers_static(kind, _is_remembered)}
    return NOTES | remembered - {"output_field"}


def _is_remembered(member: Any) -> bool:
    return isinstance(member, (cached_property, functools.cached_property))


def _sequence(values: Any) -> Hashable:
    if len(values) > MAX_VALUES:
        raise KeyError(f"{len(values)} values")
    return type(values), *[TAKE_APART[type(value)](value) for value in values]


def _mapping(values: Mapping[Any, Any]) -> Hashable:
    return tuple(
        [(TAKE_APART[type(key)](key), TAKE_APART[type(part)](part)) for key, part in values.items()]
    )


def _set(values: Any) -> Hashable:
    return frozenset([TAKE_APART[type(value)](value) for value in values])


def _itself(value: Any) -> Any:
    return value


def _field(field: Any) -> Hashable:
    """A model's is equal to itself alone; one made for an expression, to another of the kind."""
    if hasattr(field, "model") or not is_djangos(type(field)):
        return field
    _, _, args, kwargs = field.deconstruct()
    return type(field), _sequence(args), _mapping(kwargs)


def _number(value: Any) -> Hashable:
    return type(value), value  # True is equal to 1


def _text(value: Any) -> Hashable:
    return type(value), repr(value)  # Decimal("1.0") is equal to Decimal("1.00")


def _relation(rel: Any) -> Hashable:
    return type(rel), rel.field  # whose other side it is


def _classes(module: ModuleType, base: type) -> list[type]:
    """Django's own, defined there: its subclasses elsewhere may do anything."""
    return [
        found
        for found in vars(module).values()
        if issubclass(type(found), type)  # isinstance() would wake lazy settings
        and issubclass(found, base)
        and found.__module__ == module.__name__
    ]


def _subquery(query: Query) -> Hashable:
    """A query within another, with the orderings of models that it follows."""
    found = fingerprint(query)
    if found is None:
        raise KeyError("a subquery that cannot be told")
    return found


def _named_number(value: Any) -> Hashable:
    return type(value), int.__int__(value)  # a member of IntegerChoices


class TakeApart(dict[type, Callable[[Any], Hashable]]):
    """How to take apart each type; raises KeyError for one that must not be."""

    def __missing__(self, kind: type) -> Callable[[Any], Hashable]:
        found = self._of_subclass(kind)
        if found is None:
            raise KeyError(f"{kind.__qualname__} may depend on more than it holds")
        self[kind] = found
        return found

    def _of_subclass(self, kind: Any) -> Callable[[Any], Hashable] | None:
        if issubclass(kind, str):
            return _plain_text
        if issubclass(kind, int) and issubclass(kind, Enum):
            return _named_number
        if is_djangos(kind) or not is_plain(kind):
            return None  # one of Django's own that is not listed does more than its base
        return self.get(next(filter(is_djangos, kind.__mro__)))


def _plain_text(value: Any) -> Hashable:
    """A member of TextChoices, or a SafeString."""
    text = keys.as_plain_text(value)
    if text is None:
        raise KeyError(f"{type(value).__qualname__} is not sent as the text that it is")
    return type(value), text


# Functions whose SQL depends on more than their arguments: the clock, chance, the time zone.
NEVER_TWICE = frozenset({functions.Now, functions.Random})


def _zoned(function: Any) -> Hashable:
    """Trunc or Extract: without a zone of its own it has that of who asks."""
    if function.tzinfo is None:
        raise KeyError("it depends on the time zone of who asks")
    return _object(function)


def _zone(zone: ZoneInfo) -> Hashable:
    if zone.key is None:
        raise KeyError("a time zone from a file has no name")
    return ZoneInfo, zone.key


def _fixed_zone(zone: datetime.timezone) -> Hashable:
    return datetime.timezone, repr(zone)  # repr: two of one offset may have two names


def _functions() -> Iterator[type]:
    for module in (comparison, math, texts):
        yield from (kind for kind in _classes(module, expressions.Func) if kind not in NEVER_TWICE)


LISTED: dict[type, Callable[[Any], Hashable]] = {
    **dict.fromkeys(keys.TELLING, _text),
    **dict.fromkeys([str, type(None), ModelBase], _itself),
    **dict.fromkeys([bool, int], _number),
    **dict.fromkeys([list, tuple], _sequence),
    **dict.fromkeys([set, frozenset], _set),
    dict: _mapping,
    **dict.fromkeys(_classes(fields, fields.Field), _field),
    **dict.fromkeys([related.ForeignKey, related.OneToOneField], _field),
    **dict.fromkeys(_classes(reverse_related, reverse_related.ForeignObjectRel), _relation),
    **dict.fromkeys([WhereNode, BaseTable, Join, Q, FilteredRelation], _object),
    Query: _subquery,
    **dict.fromkeys(_classes(lookups, lookups.Lookup), _object),
    **dict.fromkeys(_classes(related_lookups, lookups.Lookup), _object),
    **dict.fromkeys(_classes(aggregates, expressions.Func), _object),  # and parts of aggregates
    **dict.fromkeys(_functions(), _object),
    **dict.fromkeys(_classes(moments, moments.TimezoneMixin), _zoned),
    ZoneInfo: _zone,
    datetime.timezone: _fixed_zone,
    **dict.fromkeys(
        [
            *(expressions.Col, expressions.F, expressions.OrderBy, expressions.Ref),
            *(expressions.Star, expressions.Value, expressions.CombinedExpression),
            *(expressions.Case, expressions.When, expressions.ExpressionWrapper),
            *(expressions.NegatedExpression, expressions.Subquery, expressions.Exists),
            *(expressions.ResolvedOuterRef, expressions.OuterRef),
        ],
        _object,
    ),
}
TAKE_APART = TakeApart(LISTED)
