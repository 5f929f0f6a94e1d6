"""Which SELECTs name all columns that they read, held against what a real server answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from planets.cache.writing import reader
from planets.cache.writing.hot import may_read
from tests.support.sql import sql

HOT = frozenset(["gravity"])

# What a server may take, and what reads a column without a word of it, or looks as if it did.
STATEMENTS = [
    "SELECT * FROM star",
    "SELECT star.* FROM star",
    "SELECT s.name, s.* FROM star s",
    "SELECT name FROM star NATURAL JOIN (SELECT 10 AS mass, s.* FROM star s) other",
    "SELECT COUNT(*) FROM star NATURAL JOIN tie",
    "SELECT COUNT(*) FROM star NATURAL LEFT JOIN tie WHERE tie.here IS NULL",
    "SELECT COUNT(*) FROM (SELECT DISTINCT * FROM star) rows_of_it",
    "SELECT (SELECT COUNT(*) FROM (SELECT * FROM star UNION SELECT * FROM star) twice)",
    "SELECT name FROM star WHERE EXISTS (SELECT * FROM star)",
    "SELECT name FROM star WHERE (id, name) IN (SELECT id, name FROM star)",
    "WITH s (a, b, c, d, e, f, g, h, i) AS (SELECT * FROM star) SELECT g FROM s ORDER BY a",
    "WITH s AS (SELECT * FROM star) SELECT COUNT(*) FROM s",
    "WITH s (a, b, c, d, e, f, g, h, i) AS (TABLE star) SELECT g FROM s ORDER BY a",
    "SELECT COUNT(*) FROM (SELECT name FROM star EXCEPT SELECT name FROM star) none",
    "SELECT d.g FROM (SELECT 1 a, 2 b, 3 c, 4 d, 5 e, 6 f, 7 g, 8 h, 9 i "
    "UNION ALL SELECT * FROM star) d ORDER BY a",
    "TABLE star",
    "SELECT 1 FROM comet WHERE 1 IN (TABLE star)",
    "SELECT ROW(s.*) FROM star s",
    "SELECT JSON_ARRAYAGG(s.*) FROM star s",
    "SELECT JSON_OBJECT('a', s.name) FROM star s",
    "SELECT name FROM star FOR SYSTEM_TIME ALL",
    "SELECT name FROM star PARTITION (p0)",
    "SELECT name FROM star PROCEDURE ANALYSE()",
    "SELECT _rowid FROM star",
    "SELECT rowid FROM star",
    "SELECT oid FROM star",
    "HANDLER star OPEN",
    "SELECT @gravity := 1",
    "SELECT name FROM star LIMIT ROWS EXAMINED 100",
    "SELECT name FROM star s WHERE s = 1",
    "SELECT star FROM star",
    "SELECT DEFAULT(gravity) FROM star",
    "SELECT name FROM star JOIN tie USING (gravity)",
    "SELECT COUNT(DISTINCT gravity) FROM star",
    "VALUES (1)",
]
# The everyday ones: what is not among the safe would make hot columns worthless.
PLAIN = [
    "SELECT name FROM star",
    "SELECT `star`.`id`, `star`.`name` AS `n` FROM `star` ORDER BY `star`.`id` ASC LIMIT 3",
    "SELECT COUNT(*) FROM star",
    "SELECT COUNT(*) AS `__count` FROM star WHERE mass > 2 AND NOT (kind = 'giant')",
    "SELECT s.name, c.name FROM star s INNER JOIN comet c ON (s.id = c.star_id)",
    "SELECT s.name FROM star s LEFT OUTER JOIN comet c ON (s.id = c.star_id) WHERE c.id IS NULL",
    "SELECT name FROM star WHERE id IN (SELECT star_id FROM comet)",
    "SELECT name FROM star s WHERE EXISTS (SELECT 1 AS a FROM comet c WHERE c.star_id = s.id)",
    "SELECT kind, MAX(mass), SUM(radius) FROM star GROUP BY kind HAVING COUNT(*) > 1",
    "SELECT CASE WHEN mass > 2 THEN 'a' ELSE 'b' END AS c FROM star",
    "SELECT COALESCE(name, ''), CAST(mass AS CHAR), UPPER(name) FROM star",
    "SELECT DISTINCT kind FROM star WHERE name LIKE 'M' AND mass BETWEEN 1 AND 3",
    "SELECT COUNT(*) FROM (SELECT DISTINCT kind AS a FROM star) subquery",
    "(SELECT name FROM star) UNION (SELECT name FROM comet) ORDER BY 1",
    "WITH s AS (SELECT name AS n FROM star) SELECT n FROM s",
    "SELECT name, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY mass) AS r FROM star",
    "SELECT 1 AS a FROM star LIMIT 1",
    "SELECT s.name FROM star s JOIN comet USING (name)",
]


def answer(statement: str) -> Any:
    """What the server says; None where it does not take the statement."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            return [str(row) for row in cursor.fetchall()]
    except DatabaseError:
        return None


@pytest.fixture
def tie(sky: None) -> Iterator[None]:
    """A table that has the hot column too, and one of its own."""
    sql("CREATE TABLE tie (gravity DOUBLE, here INT)")
    sql("INSERT INTO tie VALUES (200, 1)")
    yield
    sql("DROP TABLE tie")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tie")
def test_what_a_hot_write_changes_is_not_taken_for_plain() -> None:
    """The server is the judge: an answer that differs after it has read the column."""
    sql("UPDATE star SET gravity = 1")
    before = {statement: answer(statement) for statement in STATEMENTS + PLAIN}
    sql("UPDATE star SET gravity = 200")
    read = [text for text, had in before.items() if answer(text) != had]
    assert len(read) >= 8, "most of what is tried reads it"
    assert [text for text in read if not may_read(connection.vendor, text, HOT)] == []
    taken = [statement for statement in PLAIN if before[statement] is not None]
    assert len(taken) >= len(PLAIN) - 4


@pytest.mark.once
@pytest.mark.parametrize("vendor", ["mysql", "sqlite"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_is_not_known_to_name_its_columns_is_refused(vendor: str, statement: str) -> None:
    harmless = ("COUNT(*) FROM (SELECT name", "JSON_OBJECT", "(id, name)")
    plain = any(part in statement for part in harmless)
    assert may_read(vendor, statement, HOT) or plain


@pytest.mark.once
@pytest.mark.parametrize("statement", PLAIN)
@pytest.mark.parametrize("vendor", ["mysql", "sqlite"])
def test_what_names_its_columns_is_plain(vendor: str, statement: str) -> None:
    found = reader.read(vendor, statement)
    assert found.doubt == ""
    assert found.names_columns
    assert not may_read(vendor, statement, HOT)


@pytest.mark.once
@pytest.mark.parametrize("text", ["a star that is *no* word", "NATURAL", "table"])
def test_what_stands_in_a_text_or_in_quotes_is_no_word(text: str) -> None:
    """The list of what was dangerous took each of these for one."""
    assert not may_read("mysql", f"SELECT name FROM star WHERE name = '{text}'", HOT)
    assert not may_read("mysql", "SELECT 2 * mass FROM star", HOT)


@pytest.mark.once
def test_what_no_list_of_dangers_named_is_refused() -> None:
    """A derived table's names in place of a base table's, rows of a function, what is unknown."""
    for statement in (
        "SELECT s.a FROM star AS s (a, b, c)",
        "SELECT name FROM star LIMIT ROWS EXAMINED 10",
        "SELECT j.a FROM star, JSON_TABLE('[1]', '$[0]' COLUMNS (a INT PATH '$')) AS j",
        "SELECT name FROM star TABLESAMPLE (10 PERCENT)",
        "SELECT name FROM star, LATERAL (SELECT 1 AS a) l",
        "SELECT name FROM star PIVOT (MAX(mass) FOR kind IN ('giant'))",
    ):
        assert may_read("mysql", statement, HOT), statement
