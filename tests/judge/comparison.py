"""Whether two results are the same: by value, by type, and in what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from itertools import zip_longest
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.base import ModelState

PLAIN = (str, bytes, bool, int, type(None))
LONGEST = 120  # characters of a value, in a difference
NOTHING = object()


def differences(one: Any, other: Any) -> list[str]:
    """Where they differ, at most one place for each value that they hold."""
    return list(_Comparison().compare(one, other, ""))


def shared(one: Any, other: Any) -> dict[int, str]:
    """The ids of what can be changed and is a part of both, with the place where it was met."""
    comparison = _Comparison()
    list(comparison.compare(one, other, ""))
    return comparison.shared


class _Comparison:
    def __init__(self) -> None:
        self.met: set[tuple[int, int]] = set()
        self.shared: dict[int, str] = {}

    def compare(self, one: Any, other: Any, place: str) -> Iterator[str]:
        if one is other:
            if isinstance(one, (list, dict, set, bytearray, Model)):
                self.shared[id(one)] = place
            return
        kind = type(one)
        if kind is not type(other):
            yield f"{place}: {_short(one)} is not of the type of {_short(other)}"
        elif (id(one), id(other)) in self.met:
            return
        elif kind in PLAIN:
            if one != other:
                yield f"{place}: {_short(one)} is not {_short(other)}"
        else:
            self.met.add((id(one), id(other)))
            yield from self._parts(one, other, place)

    def _parts(self, one: Any, other: Any, place: str) -> Iterator[str]:
        if isinstance(one, QuerySet):
            names = ("_result_cache", "_prefetch_done", "_db", "model")
            for name in names:
                yield from self.compare(getattr(one, name), getattr(other, name), f"{place}.{name}")
        elif isinstance(one, ModelState):
            for name in ("db", "adding", "fields_cache"):  # the last is made when it is asked for
                yield from self.compare(getattr(one, name), getattr(other, name), f"{place}.{name}")
        elif isinstance(one, Mapping):
            if list(map(repr, one)) != list(map(repr, other)):
                yield f"{place}: the keys {_short(list(one))} are not {_short(list(other))}"
                return
            for key, part, its in zip(one, one.values(), other.values(), strict=True):
                yield from self.compare(part, its, f"{place}[{key!r}]")
        elif isinstance(one, (list, tuple)):
            for number, (part, its) in enumerate(zip_longest(one, other, fillvalue=NOTHING)):
                yield from self.compare(part, its, f"{place}[{number}]")
        elif isinstance(one, Set):
            if one != other:
                yield f"{place}: {_short(one)} is not {_short(other)}"
        elif isinstance(one, memoryview):
            yield from self.compare(bytes(one), bytes(other), place)
        elif isinstance(one, BaseException):
            yield from self.compare(str(one), str(other), place)
        elif hasattr(one, "__dict__") and type(one).__module__ not in ("datetime", "decimal"):
            yield from self._attributes(vars(one), vars(other), place)
        elif repr(one) != repr(other):  # of numbers and dates it tells more than equality
            yield f"{place}: {_short(one)} is not {_short(other)}"

    def _attributes(self, one: dict[str, Any], other: dict[str, Any], place: str) -> Iterator[str]:
        if one.keys() != other.keys():
            differ = sorted(one.keys() ^ other.keys())
            yield f"{place}: only one of them has the attributes {differ}"
            return
        for name, part in one.items():
            yield from self.compare(part, other[name], f"{place}.{name}")


def _short(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    text = repr(value)
    return f"{type(value).__qualname__} {text[:LONGEST]}"
