from __future__ import annotations

import pytest

from planets.cache.instruments.selected import selected

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ('SELECT "star"."id", "star"."name" FROM "star"', ("id", "name")),
        ("SELECT `a`.`b`.`c` FROM a", ("c",)),
        ("select distinct id,name from star", ("id", "name")),
        ("SELECT COUNT(*) AS `__count`, MAX(mass) FROM star", ("__count", "MAX(mass)")),
        ("SELECT CONCAT(a, ', FROM ', b) AS both_of, c FROM star", ("both_of", "c")),
        ("SELECT (SELECT 1 FROM comet), id FROM star", ("(SELECT 1 FROM comet)", "id")),
        ("SELECT EXTRACT(YEAR FROM born) AS year FROM star", ("year",)),
        ("SELECT 1", ("1",)),
    ],
)
def test_columns_are_called_as_in_the_sql(sql: str, names: tuple[str, ...]) -> None:
    assert selected(sql, len(names)) == names


@pytest.mark.parametrize(
    ("sql", "width"),
    [
        ("SELECT * FROM star", 1),
        ("SELECT star.*, id FROM star", 2),
        ("SELECT id, name FROM star", 3),
        ("SELECT id, na …", 9),
        ("(SELECT id FROM star) UNION (SELECT id FROM comet)", 1),
        ("SHOW TABLES", 1),
        ("", 1),
        ("SELECT id FROM star", 0),
    ],
)
def test_what_is_not_certain_has_no_names(sql: str, width: int) -> None:
    assert selected(sql, width) == ()
