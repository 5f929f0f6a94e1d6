"""NEAR_BYTES is what the near tier takes: its count is an upper bound, at most half above."""

from __future__ import annotations

import datetime
import decimal
import gc
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planets.cache import stats
from planets.cache.reading import codec, row_format, tree
from planets.cache.reading.computed_format import Made
from planets.cache.reading.dependencies import Dependencies
from planets.cache.reading.lookup import Found
from planets.cache.reading.rows import SharedRows
from planets.cache.reading.weight import of_tree
from planets.cache.storage import keys
from planets.cache.storage.near import near

MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5)
LAST = float("inf")

Rows = list[tuple[Any, ...]]

SHAPES: dict[str, Callable[[int], Rows]] = {
    "no row": lambda i: [],
    "one row of one number": lambda i: [(100_000 + i,)],
    "small numbers": lambda i: [(n % 250,) for n in range(1000)],
    "numbers": lambda i: [(1000 + n,) for n in range(1000)],
    "ten numbers": lambda i: [tuple(1000 * n + k for k in range(10)) for n in range(100)],
    "NULL": lambda i: [(None,)] * 1000,
    "yes, no and NULL": lambda i: [(True, False, None)] * 1000,
    "short texts": lambda i: [(f"ab{n}",) for n in range(1000)],
    "long texts": lambda i: [("x" * 20_000 + str(n),) for n in range(5)],
    "long texts of two bytes": lambda i: [("ü" * 10_000 + str(n),) for n in range(5)],
    "long texts with one sign of four bytes": lambda i: [("x" * 10_000 + "😀",)] * 5,
    "bytes": lambda i: [(b"x" * 100 + str(n).encode(),) for n in range(1000)],
    "decimals": lambda i: [(decimal.Decimal(f"12345.{n}"),) for n in range(1000)],
    "UUIDs": lambda i: [(uuid.UUID(int=2**100 + n),) for n in range(1000)],
    "times": lambda i: [(MOMENT, MOMENT.date(), MOMENT.time(), MOMENT - MOMENT)] * 500,
    "of all kinds": lambda i: [
        (n, f"name {n}", 1.5 * n, decimal.Decimal(n), None, True, MOMENT, "a description" * 5)
        for n in range(100)
    ],
}


@pytest.fixture
def trusting(settings: Any) -> Iterator[None]:
    """A near tier that keeps what it is given, without a Redis."""
    settings.CACHE_ASIDE = {"NEAR": True, "NEAR_BYTES": 2**30}
    near.reset()
    near.tracking.until, near.tracking.prefixes = LAST, ("sql:",)
    yield
    near.reset()


def stored(rows: Rows, number: int, gates: int) -> tuple[str, bytes]:
    """A key, and what would lie under it in Redis."""
    entry = codec.Entry(
        generation=tuple(f"{number:08x}{gate:08x}" for gate in range(gates)),
        expires=LAST, filled=0.0, load_ms=1.0, tables=("a",), sql="SELECT", rows=rows,
    )  # fmt: skip
    key = keys.sql("default", str(number), (), "")
    return key, codec.encode(key, entry, compress_above=8192, max_bytes=10**7)


def keep(key: str, data: bytes) -> SharedRows:
    entry = codec.decode(key, data, max_bytes=10**7)
    rows = SharedRows(entry.rows)
    found = Found(rows, entry.generation, entry.expires, len(data), entry.load_ms)
    key = str(key.encode(), "ascii")  # its own, as that of a lookup is
    near.keep(near.ticket(), [(key, found, LAST, row_format.SHELF.weigh(key, found))])
    return rows


def taken(work: Callable[[], object]) -> int:
    """Bytes that are in use after `work` and were not before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("gates", [2, 12])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_count_is_an_upper_bound_and_no_more_than_half_above(
    trusting: None, shape: str, gates: int
) -> None:
    make = SHAPES[shape]
    many = 500 if len(make(0)) < 2 else 10
    entries = [stored(make(number), number, gates) for number in range(many)]

    def fill() -> None:
        for key, data in entries:
            keep(key, data)

    real = taken(fill)
    assert real <= near._weight <= 1.5 * real


def test_what_converters_made_is_counted_too(trusting: None) -> None:
    rows: Rows = [(n, "text" * 10, MOMENT) for n in range(1000)]
    key, data = stored(rows, 1, 2)

    def convert(rows: Rows) -> Rows:
        return [(n, text, at.replace(tzinfo=datetime.UTC)) for n, text, at in rows]

    def fill() -> SharedRows:
        kept = keep(key, data)
        kept.converted("ours", lambda: convert(kept))
        return kept

    fill()  # all that is made once for a process
    near.drop([key])
    real = taken(fill)
    assert real <= near._weight <= 1.5 * real

    kept = fill()
    before = near._weight
    kept.converted("another's", lambda: convert(kept))  # takes its place
    assert near._weight == before
    near.drop([key])
    assert near._weight == 0


def test_what_grows_makes_room_for_itself(trusting: None, settings: Any) -> None:
    rows = [keep(*stored([(n, MOMENT) for n in range(100)], number, 2)) for number in range(4)]
    settings.CACHE_ASIDE = {"NEAR": True, "NEAR_BYTES": near._weight + 1000}
    near.tracking.until = LAST
    rows[-1].converted("ours", lambda: [(n, at.date()) for n, at in rows[-1]])
    assert near._weight <= settings.CACHE_ASIDE["NEAR_BYTES"]
    assert 0 < len(near._slots) < 4


def test_what_is_larger_than_all_of_it_does_not_put_the_others_out(
    trusting: None, settings: Any
) -> None:
    small, large = stored([(1,)], 1, 2), stored([("x" * 5000,)], 2, 2)
    settings.CACHE_ASIDE = {"NEAR": True, "NEAR_BYTES": 4000}
    evicted = stats.counts().get(("near", "evicted"), 0)
    keep(*small)
    keep(*large)
    assert list(near._slots) == [small[0]]
    assert stats.counts().get(("near", "evicted"), 0) == evicted


# --- what was computed


PAYLOADS: dict[str, Any] = {
    "a text": "x" * 10_000,
    "bytes": b"x" * 10_000,
    "numbers": list(range(1000, 2000)),
    "rows of dicts": [{"id": n, "name": f"name {n}", "at": MOMENT} for n in range(200)],
    "a tree": {"a": [(1, 2.5), {"b": ["text"] * 50}], "c": {n: (n, str(n)) for n in range(100)}},
}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_computed_is_counted_as_well(trusting: None, payload: str) -> None:
    data = tree.encode(PAYLOADS[payload])
    names = keys.computed("value", "warm"), keys.computed("value", payload)
    near.tracking.prefixes = ("value:",)

    def fill(key: str) -> None:
        made = Made(tree.decode(data), Dependencies({"gen:a:*": "0" * 16}, {}))
        found = Found(made, ("0" * 16,), LAST, len(data))
        near.keep(near.ticket(), [(key, found, LAST, of_tree(found))])

    fill(names[0])
    before = near._weight
    real = taken(lambda: fill(names[1]))
    counted = near._weight - before
    assert real <= counted <= 1.5 * real
