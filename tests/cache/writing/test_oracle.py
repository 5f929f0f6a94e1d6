"""What is read off random statements, held against what the database server says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.oracle.comparison import Comparison
from tests.oracle.server import Oracle, asked, login

pytestmark = [pytest.mark.mysql, pytest.mark.once]

STATEMENTS = 800


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """On a server of its own, as a random statement may crash it."""
    with login() as parameters, asked(parameters) as server:
        yield server


def test_no_table_and_no_row_is_missed(oracle: Oracle) -> None:
    comparison = Comparison(seed=1)
    comparison.run(oracle, STATEMENTS)
    assert comparison.misread == []
    counts = comparison.counts
    assert counts["in doubt"] < STATEMENTS * 0.15
    assert counts["with more tables than are written"] < STATEMENTS * 0.05
    assert counts["whose rows are known"] > STATEMENTS * 0.1


def test_nothing_is_a_surprise_to_the_parser(oracle: Oracle, caplog: Any) -> None:
    """It refuses what it does not take; that it breaks is told at the level DEBUG."""
    with caplog.at_level("DEBUG", "planets.cache.writing.parser"):
        Comparison(seed=2).run(oracle, 100)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("sql", "read", "written"),
    [
        ("SELECT 1 FROM ant", {"ant"}, set()),
        ("INSERT INTO ant (id) SELECT id FROM bee", {"bee"}, {"ant"}),
        ("UPDATE ant JOIN bee ON bee.x = 1 SET ant.x = 1", {"bee"}, {"ant"}),
        ("DELETE bee FROM ant JOIN Cat bee ON 1", {"ant", "cat"}, {"cat"}),
        ("REPLACE INTO ant (id) VALUES (9)", set(), {"ant"}),
        ("SELECT FROM WHERE", None, None),
    ],
)
def test_the_server_tells_which_tables_a_statement_needs(
    oracle: Oracle, sql: str, read: set[str] | None, written: set[str] | None
) -> None:
    needs = oracle.needs(sql)
    assert needs == (None if read is None else (read, written))


def test_the_server_tells_which_rows_change(oracle: Oracle) -> None:
    assert oracle.changes("UPDATE ant SET x = 9 WHERE y = 'a'")["ant"] == {1, 3}
    assert oracle.changes("DELETE FROM ant")["ant"] == {1, 2, 3, 4}
    assert oracle.changes("INSERT INTO ant (id) VALUES (9)")["ant"] == set()
    assert oracle.changes("UPDATE ant SET x = 9 WHERE y XOR y IS NULL AND id = 4")["bee"] == set()
