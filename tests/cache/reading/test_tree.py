"""Values come back from msgpack as they were, or are refused with the reason."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planets.cache.reading import tree
from planets.cache.reading.envelope import Undecodable, Unencodable


@dataclass
class Point:
    x: Any
    y: Any = None

    @cached_property
    def both(self) -> Any:
        return (self.x, self.y)


@dataclass(frozen=True, slots=True)
class Frozen:
    x: Any
    computed: int = field(init=False, default=3)


ZONES = st.sampled_from([ZoneInfo("Europe/Berlin"), dt.UTC, dt.timezone(dt.timedelta(hours=-7))])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.decimals(), st.dates(), st.datetimes(), st.datetimes(timezones=ZONES), st.times(),
    st.timedeltas(), st.uuids(), st.integers(min_value=2**64, max_value=2**200),
)  # fmt: skip
HASHABLE = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.dates())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.sets(HASHABLE),
        st.frozensets(st.tuples(HASHABLE)),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.binary(), st.none()), inner),
        st.builds(Point, inner, inner),
        st.builds(Frozen, inner),
    ),
    max_leaves=20,
)


def parts(value: Any) -> Any:
    """Values and types; so that NaN is NaN, and 1 is not True."""
    if isinstance(value, list | tuple):
        return (type(value), [parts(each) for each in value])
    if isinstance(value, set | frozenset):
        return (type(value), {repr(parts(each)) for each in value})
    if isinstance(value, dict):
        return (type(value), [(parts(key), parts(each)) for key, each in value.items()])
    if isinstance(value, Point | Frozen):
        told = (value.x, value.y) if isinstance(value, Point) else (value.x, value.computed)
        return (type(value), [parts(each) for each in told])
    return (type(value), repr(value))


@given(TREES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    try:
        data = tree.encode(value)
    except Unencodable:
        return  # a key or a text that msgpack has no word for
    assert parts(tree.decode(data)) == parts(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -0.0, 2**64, -(2**64), (10**4000,), decimal.Decimal("sNaN"), (), set(),
        [1, (2, {3, (4,)})], {None: 1, 1: 2, "1": 3}, dt.datetime(2026, 10, 25, 2, 30, fold=1,
        tzinfo=ZoneInfo("Europe/Berlin")), uuid.UUID(int=3), Point([1], Frozen("🪐")), "\0",
    ],
)  # fmt: skip
def test_what_is_odd_comes_back(value: Any) -> None:
    assert parts(tree.decode(tree.encode(value))) == parts(value)


class Pair(NamedTuple):
    a: int
    b: int


class Colour(enum.IntEnum):
    RED = 1


def looped() -> Any:
    found: list[Any] = []
    found.append(found)
    return found


def local() -> Any:
    @dataclass
    class Local:
        x: int = 1

    return Local()


def more() -> Point:
    point = Point(1)
    assert point.both
    return point


def less() -> Point:
    point = Point(1)
    del point.x
    return point


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Colour.RED, "type Colour"),
        (object(), "type object"),
        (OrderedDict(a=1), "type OrderedDict"),
        (Pair(1, 2), "type Pair"),
        (bytearray(b"a"), "type bytearray"),
        (iter([1]), "type list_iterator"),
        ({(1, 2): 3}, "key of type tuple"),
        ("\ud800", "surrogates"),
        (looped(), "recursion"),
        (local(), "cannot be found by its name"),
        (more(), "more or less than its fields"),
        (less(), "more or less than its fields"),
        ((10**5000,), "4300"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")), "datetime"),
        (dt.datetime(2026, 1, 1, fold=1), "datetime"),
    ],
)
def test_what_would_come_back_as_another_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(Unencodable, match=reason):
        tree.encode([value])


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (tree.DATACLASS, ["no.such", "Thing", {}]),
        (tree.DATACLASS, [__name__, "Point", {"x": 1}]),
        (tree.DATACLASS, ["os", "system", {}]),
        (tree.ZONED, ["2026-01-01T00:00:00", 0, "No/Where"]),
        (99, []),
    ],
)
def test_what_this_process_does_not_know_is_undecodable(kind: int, told: Any) -> None:
    data = tree._encoder.encode(tree._extension(kind, told))
    with pytest.raises(Undecodable):
        tree.decode(data)
