"""What goes into an entry comes out of it, equal in value and in type."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planets.cache.reading import codec, envelope

ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30))])


def told_once(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """No driver gives the second of two equal hours of a night in autumn, and ISO 8601 has none."""
    return values.map(lambda value: value.replace(fold=0))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(),
    "int64": st.integers(-(2**63), 2**64 - 1),
    "str": st.text(st.characters(exclude_categories=["Cs"])),
    "float": st.floats(),
    "bool": st.booleans(),
    "bytes": st.binary(),
    "Decimal": st.decimals(),
    "date": st.dates(),
    "time": told_once(st.times()),
    "time with a zone": told_once(st.times(timezones=ZONES)),
    "datetime": told_once(st.datetimes()),
    "datetime with a zone": told_once(st.datetimes(timezones=ZONES)),
    "timedelta": st.timedeltas(),
    "UUID": st.uuids(),
    "mixed": st.one_of(
        st.integers(), st.text("ab1"), st.decimals(), st.dates(), st.times().map(str), st.none()
    ),
}
COLUMN = st.sampled_from([*VALUES.values()]).map(lambda values: st.none() | values)
TABLE = st.lists(COLUMN, max_size=5).flatmap(lambda columns: st.lists(st.tuples(*columns)))

KEY = "sql:0"


def stored(rows: list[Any], compress_above: int = 0) -> Any:
    entry = codec.Entry(
        generation=("a",), filled=1.6e9, expires=1.7e9, load_ms=1.5, tables=("t",), sql="SELECT",
        rows=rows,
    )  # fmt: skip
    data = codec.encode(KEY, entry, compress_above=compress_above, max_bytes=10**6)
    return codec.decode(KEY, data, max_bytes=10**6).rows


def parts(rows: list[Any]) -> list[Any]:
    """With the type of each value; their texts, for a NaN is not equal to itself."""
    return [[(type(value), repr(value)) for value in row] for row in rows]


@given(TABLE, st.sampled_from([0, 1]))
def test_every_row_comes_back_as_it_was(rows: list[Any], compress_above: int) -> None:
    assert parts(stored(rows, compress_above)) == parts(rows)


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_every_type_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.none() | VALUES[kind]), min_size=1))
    assert parts(stored(rows)) == parts(rows)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([(1, "a", None), (2, None, None)], "..."),
        ([(decimal.Decimal(1), dt.date(2024, 1, 1)), (None, None)], "Dd"),
        ([(dt.datetime(2024, 1, 1), dt.time(1), uuid.UUID(int=1))], "thu"),
        ([(dt.datetime(2024, 1, 1, tzinfo=dt.UTC),)], "."),
        ([(decimal.Decimal(1),), (1,)], "."),
        ([(2**70, decimal.Decimal(1))], ".D"),
        ([], ""),
    ],
)
def test_a_column_of_one_type_is_read_by_its_type(rows: list[Any], columns: str) -> None:
    assert codec._pack(rows)[0] == columns
    assert stored(rows) == rows


def test_a_type_that_is_not_known_is_named() -> None:
    with pytest.raises(envelope.Unencodable, match="a value of type complex cannot be stored"):
        stored([(1, 2j)])


@pytest.mark.parametrize("columns", ["x", "DD", "d", "D."])
def test_columns_that_are_not_the_rows_are_undecodable(columns: str) -> None:
    entry: Any = codec.Entry(
        generation=(), expires=1.0, filled=0.0, load_ms=1.0, tables=(), sql="", columns=columns,
        rows=codec.msgspec.Raw(codec._encoder.encode([("a",)])),
    )  # fmt: skip
    body = codec._encoder.encode(entry)
    data = envelope.wrap(KEY, body, compress_above=0, max_bytes=1000)
    with pytest.raises(envelope.Undecodable):
        codec.decode(KEY, data, max_bytes=1000)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a" * 1000,)], r"1\d{3} bytes are more than MAX_BYTES, 1000"),
        ([(None, None)] * 334, "1002 bytes at least are more than MAX_BYTES, 1000"),
    ],
)
def test_what_is_too_long_is_refused_and_told(rows: list[Any], message: str) -> None:
    entry: Any = codec.Entry(
        generation=(), expires=1.0, filled=0.0, load_ms=1.0, tables=(), sql="", rows=rows
    )
    with pytest.raises(envelope.Unencodable, match=message):
        codec.encode(KEY, entry, compress_above=0, max_bytes=1000)
