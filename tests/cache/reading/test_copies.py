"""Each caller has a value of his own, of the same types, however often its bytes were unpacked."""

from __future__ import annotations

import datetime
import tracemalloc
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planets.cache.reading import copies
from planets.cache.reading.copies import value_of
from planets.cache.reading.tree import encode

pytestmark = pytest.mark.once


@dataclass
class Spot:
    name: str
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Held:
    """Can be hashed by what it is, and changed by what it holds."""

    tags: list[str] = field(default_factory=list)


leaves = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.binary(max_size=40)
    | st.floats(allow_nan=False) | st.decimals(allow_nan=False) | st.dates() | st.uuids()
)  # fmt: skip
hashable = st.recursive(
    leaves, lambda part: st.tuples(part, part) | st.frozensets(part, max_size=3), max_leaves=4
)
values = st.recursive(
    leaves,
    lambda part: (
        st.lists(part, max_size=4)
        | st.tuples(part, part)
        | st.dictionaries(st.text(max_size=3), part, max_size=4)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=12,
)


def changeable(value: Any) -> list[Any]:
    """The parts of a value that can be changed."""
    parts = [value] if isinstance(value, (list, dict, set)) or hasattr(value, "__dict__") else []
    inner = (
        value.values()
        if isinstance(value, dict)
        else vars(value).values()
        if parts and hasattr(value, "__dict__")
        else value
        if isinstance(value, (list, tuple, set, frozenset))
        else ()
    )
    return parts + [found for part in inner for found in changeable(part)]


@given(values)
def test_each_is_equal_and_nothing_that_can_be_changed_is_shared(value: Any) -> None:
    data = encode(value)
    given_out = [value_of(data) for _ in range(4)]
    for each in given_out:
        assert repr(each) == repr(value_of(data))
        assert each == value
        assert type(each) is type(value)
    met = [id(part) for each in given_out for part in changeable(each)]
    assert len(met) == len(set(met))


def deepest(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        [(1, "a", Decimal("1.5")), (2, "b", None)],
        [{"name": "Io", "at": datetime.date(1610, 1, 7)}, {"name": "Europa", "at": None}],
        {"total": 3, "of": {"Io": [1], "Europa": [2]}},
        ([1], 2, [[3]]),
        {"set": {1, 2}, "frozen": frozenset({(1, 2)})},
        [Spot("Io", ["hot"]), Spot("Europa")],
        {Held(["hot"])},
        datetime.datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")),
        uuid.UUID(int=7),
        deepest(60),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_change_is_of_one_alone(value: Any) -> None:
    data = encode(value)
    before = repr(value_of(data))
    for _ in range(4):
        for part in changeable(value_of(data)):
            if isinstance(part, list):
                part.append("changed")
            elif isinstance(part, dict):
                part["changed"] = True
            elif isinstance(part, set):
                part.add("changed")
            else:
                vars(part)["changed"] = True
        assert repr(value_of(data)) == before


def test_bytes_are_unpacked_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []

    def decode(data: bytes) -> Any:
        unpacked.append(data)
        return [(1, 2), (3, 4)]

    monkeypatch.setattr(copies, "decode", decode)
    data = encode(["none of any other test", 1])
    assert [value_of(data) for _ in range(5)] == [[(1, 2), (3, 4)]] * 5
    assert len(unpacked) == 2


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: n,
        lambda n: f"text {n:07}",
        lambda n: [n, {"n": n}],
        lambda n: [[n], n, {"n": [n]}],
    ],
    ids=["number", "text", "list", "nested"],
)
def test_they_take_no_more_memory_than_is_said(make: Any, times: int) -> None:
    copies._patterns.clear()
    tracemalloc.start()
    for number in range(70_000, 70_000 + 2 * copies.KEPT_BYTES // copies.SLOT):
        for _ in range(times):
            value_of(encode(make(number)))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert copies.KEPT_BYTES / 8 < held < copies.KEPT_BYTES
    copies._patterns.clear()


def test_parts_of_one_shape_are_copied_by_one() -> None:
    copiers = copies.Copiers()
    assert copiers.of([{"name": str(n), "moons": [n], "at": (n, [n])} for n in range(1000)])
    assert copiers.bytes < 5_000


def test_what_is_large_is_not_kept() -> None:
    large = encode(["x" * copies.LARGEST])
    heavy = encode(list(range(copies.LARGEST // 20)))  # of few bytes, and of many in memory
    assert len(heavy) < copies.LARGEST
    for data in (large, heavy):
        for _ in range(3):
            value_of(data)
        kept = copies._patterns.get(data)
        assert kept in (None, copies.NEVER)
