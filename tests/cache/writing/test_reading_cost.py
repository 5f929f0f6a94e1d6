"""What reading SQL costs: nothing twice, and never more than the text is long."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from planets.cache.writing import reader
from planets.cache.writing.memo import OVERHEAD, Memo

pytestmark = pytest.mark.once


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that come to be parsed, with nothing remembered at first."""
    seen: list[str] = []
    real = reader.one

    def counted(vendor: str, words: reader.Words) -> reader.Statement:
        seen.append(words.text)
        return real(vendor, words)

    monkeypatch.setattr(reader, "one", counted)
    monkeypatch.setattr(reader, "_by_text", Memo[reader.Statement](100_000))
    monkeypatch.setattr(reader, "_by_words", Memo[reader.Statement](100_000))
    return seen


def bulk_update(rows: int) -> str:
    case = "WHEN (`t`.`id` = %s) THEN %s " * rows
    numbers = ", ".join(["%s"] * rows)
    return f"UPDATE `t` SET `a` = CASE {case}ELSE NULL END WHERE `t`.`id` IN ({numbers})"


def bulk_create(rows: int) -> str:
    return "INSERT INTO `t` (`a`, `b`) VALUES " + ", ".join(["(%s, NULL)"] * rows)


def in_list(rows: int) -> str:
    return f"SELECT * FROM `t` WHERE id IN ({', '.join(['%s'] * rows)})"


@pytest.mark.parametrize("make", [bulk_update, bulk_create, in_list])
def test_statements_that_differ_only_in_their_values_are_parsed_once(
    make: Callable[[int], str], parses: list[str]
) -> None:
    for rows in (2, 3, 50, 51, 2000, 2001):
        assert reader.read("mysql", make(rows)).tables == {"t"}
    assert len(parses) == 1


def test_literal_values_differ_no_more(parses: list[str]) -> None:
    for value in range(5):
        reader.read("mysql", f"SELECT * FROM t WHERE a = {value} AND b = 'x{value}'")
    assert len(parses) == 1


def test_the_keys_of_a_long_list_are_where_they_stand() -> None:
    (key,) = reader.read("mysql", bulk_update(50)).keys
    assert (key.column, key.positions) == ("id", tuple(range(100, 150)))


def test_a_memo_is_bounded_in_bytes() -> None:
    memo = Memo[int](1_000_000)
    for number in range(1000):
        text = f"{number} {'x' * 10_000}"
        memo.put(text, text, number)
        held = sum(map(len, (*memo._young, *memo._old)))  # type: ignore[arg-type]
        assert held < 1_000_000 + 20_000
    assert memo.get(text, text) == 999
    assert memo.get("0", "0") is None


def test_what_is_asked_for_again_and_again_stays() -> None:
    memo = Memo[int](10 * OVERHEAD)
    memo.put("asked", "asked", 1)
    for number in range(100):
        memo.put(number, "", number)
        assert memo.get("asked", "asked") == 1


LONG: dict[str, Callable[[int], str]] = {
    "conditions": lambda n: "SELECT * FROM t WHERE " + " OR ".join(f"a{i} = %s" for i in range(n)),
    "unions": lambda n: " UNION ALL ".join(f"SELECT a{i} FROM t" for i in range(n)),
    "cases": lambda n: f"UPDATE t SET a = CASE {'WHEN a < b THEN c ' * n} END",
    "rows": lambda n: "INSERT INTO t VALUES " + ", ".join(f"({i}, 'x')" for i in range(n)),
    "an open list": lambda n: "SELECT * FROM t WHERE a IN (" + "%s, " * n,
    "an open row": lambda n: "INSERT INTO t VALUES " + "(%s, %s), " * n + "(",
    "an open text": lambda n: "SELECT '" + "a\\" * n,
    "an open comment": lambda n: "SELECT /*" + "*" * n,
    "spaces": lambda n: "SELECT 1" + " " * 10 * n,
    "modifiers": lambda n: "UPDATE " + "IGNORE " * n + "t SET a = 1",
    "hints": lambda n: "SELECT * FROM t" + " USE INDEX (a)" * n,
    "targets": lambda n: "DELETE " + ", ".join(f"a{i}.*" for i in range(n)) + " WHERE",
}


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_four_times_the_text_takes_no_sixteen_times_as_long(make: Callable[[int], str]) -> None:
    def seconds(length: int) -> float:
        text = make(length)
        tries = []
        for _ in range(3):
            began = time.process_time()
            reader._read("mysql", text, True)
            tries.append(time.process_time() - began)
            reader._by_words.clear()
        return min(tries)

    seconds(10)
    assert seconds(1200) < 10 * seconds(300) + 0.005
