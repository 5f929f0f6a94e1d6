from __future__ import annotations

import pytest

from planets.cache.instruments.brief import LONGEST, brief

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(*) AS `__count` FROM `star`", "SELECT COUNT(*) AS __count FROM star"),
        (
            'SELECT "star"."id", "star"."name", "star"."kind", "star"."position" FROM "star" '
            'WHERE "star"."id" = %s LIMIT 21',
            "SELECT … FROM star WHERE id = %s LIMIT 21",
        ),
        (
            "SELECT `star`.`id`, `star`.`name` FROM `star`\n ORDER BY `star`.`position` ASC, "
            "`star`.`id` ASC",
            "SELECT id, name FROM star ORDER BY position ASC, id ASC",
        ),
        (
            "SELECT `comet`.`id`, `comet`.`name`, `comet`.`star_id`, `star`.`name` FROM `comet` "
            "INNER JOIN `star` ON (`comet`.`star_id` = `star`.`id`)",
            "SELECT … FROM comet INNER JOIN star ON (comet.star_id = star.id)",
        ),
        (
            "SELECT DISTINCT `star`.`id`, `star`.`name`, `star`.`kind`, `star`.`mass` FROM `star`",
            "SELECT DISTINCT … FROM star",
        ),
        (
            "UPDATE `star` SET `name` = %s, `kind` = %s, `position` = %s, `mass` = %s WHERE "
            "`star`.`id` = %s",
            "UPDATE star SET … WHERE id = %s",
        ),
        ("UPDATE `star` SET `name` = %s", "UPDATE star SET name = %s"),
        (
            "INSERT INTO `star` (`name`, `kind`, `position`, `mass`, `radius`) VALUES "
            "(%s, %s, %s, %s, %s)",
            "INSERT INTO star (…) VALUES (%s, %s, %s, %s, %s)",
        ),
        (
            "SELECT (SELECT MAX(mass) FROM comet WHERE comet.star_id = star.id) AS heaviest, name "
            "FROM star",
            "SELECT … FROM star",
        ),
        ("DELETE FROM star WHERE id IN (%s, %s)", "DELETE FROM star WHERE id IN (%s, %s)"),
        ("", ""),
    ],
)
def test_a_statement_is_told_without_what_says_little(sql: str, expected: str) -> None:
    assert brief(sql) == expected


def test_brackets_and_lists_that_do_not_end_are_kept() -> None:
    for sql in ("SELECT a, b", "SELECT (((", ")) FROM x", "SELECT 'it''s (' FROM star"):
        assert brief(sql) == sql


def test_it_is_bounded() -> None:
    assert len(brief("SELECT id FROM star WHERE " + "id = 1 OR " * 1000)) == LONGEST


def test_values_can_be_left_out() -> None:
    sql = "UPDATE star SET name = 'O''Neill \\' it' WHERE name = 'x'"
    assert brief(sql, values=False) == "UPDATE star SET name = ? WHERE name = ?"
