"""Sets of global transaction ids."""

from __future__ import annotations

import pytest

from planets.cache.watching.gtids import OfMariaDB, OfMySQL, is_readable
from planets.cache.watching.position import Position, read

pytestmark = pytest.mark.once

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"


@pytest.mark.parametrize(
    ("start", "added", "expected"),
    [
        ("", [f"{A}:1"], f"{A}:1"),
        (f"{A}:1-5", [f"{A}:6"], f"{A}:1-6"),
        (f"{A}:1-5", [f"{A}:7", f"{A}:6"], f"{A}:1-7"),
        (f"{A}:1-5:9", [f"{A}:8"], f"{A}:1-5:8-9"),
        (f"{A}:2-5", [f"{A}:1", f"{A}:3"], f"{A}:1-5"),
        (f"{A}:1-5,\n{B}:3", [f"{B}:1"], f"{A}:1-5,{B}:1:3"),
    ],
)
def test_of_mysql(start: str, added: list[str], expected: str) -> None:
    gtids = OfMySQL(start)
    for gtid in added:
        gtids.add(gtid)
    assert str(gtids) == expected


def test_of_mariadb() -> None:
    gtids = OfMariaDB("0-1-5,1-1-9")
    gtids.add("0-2-6")
    gtids.add("2-1-1")
    assert str(gtids) == "0-2-6,1-1-9,2-1-1"


def test_tags_are_not_read() -> None:
    assert is_readable(f"{A}:1-5:7,{B}:1")
    assert is_readable("")
    assert not is_readable(f"{A}:tag:1-5")


def test_a_position_is_read_as_it_was_stored() -> None:
    position = Position("server", "binlog.000001", 4, f"{A}:1")
    assert read(position.text().encode()) == position


@pytest.mark.parametrize("text", [None, b"", b"nonsense", b"[]", b'{"file": "x"}', b"3"])
def test_what_is_no_position(text: bytes | None) -> None:
    assert read(text) is None


def test_a_later_file_is_later() -> None:
    assert Position("", "b.999999", 9).place < Position("", "b.1000000", 4).place
