"""Every kind of statement, by a client that is not Django: the cache sees it soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from planets.cache import fetch
from tests.cache.zoo.electra import NEW, OLD, both
from tests.cache.zoo.models import Comet, Star
from tests.support.primary import Primary
from tests.support.waiting import wait_until
from tests.support.watched import Watching, watching

pytestmark = pytest.mark.mysql

Outside = Callable[..., None]
RENAME = "UPDATE star SET name = 'Taygeta' WHERE id = 3"
XA_PREPARED = ("XA START 'a'", RENAME, "XA END 'a'", "XA PREPARE 'a'")
NUMBERS = "WITH RECURSIVE n AS (SELECT 100 i UNION ALL SELECT i + 1 FROM n WHERE i < 900)"


@pytest.fixture
def watcher(watched: Primary) -> Iterator[Watching]:
    with watching() as found:
        assert both() == {OLD}
        yield found


@pytest.mark.parametrize(
    "statements",
    [
        (RENAME,),
        ("UPDATE star SET name = 'Taygeta'",),
        ("BEGIN", RENAME, "COMMIT"),
        ("BEGIN", "UPDATE comet SET radius = 1", RENAME, "COMMIT"),
        ("BEGIN", "SAVEPOINT s", RENAME, "RELEASE SAVEPOINT s", "COMMIT"),
        ("BEGIN", RENAME, "SAVEPOINT s", "UPDATE star SET name = 'no' WHERE id = 3",
         "ROLLBACK TO s", "COMMIT"),
        ("BEGIN", RENAME, "COMMIT AND CHAIN", "ROLLBACK"),
        ("SET autocommit = 0", RENAME, "SET autocommit = 1"),
        ("BEGIN", RENAME, "CREATE TABLE implicit_commit (id int)", "DROP TABLE implicit_commit"),
        (*XA_PREPARED, "XA COMMIT 'a'"),
        ("XA START 'a'", RENAME, "XA END 'a'", "XA COMMIT 'a' ONE PHASE"),
        ("UPDATE star a JOIN star b SET a.name = 'Taygeta' WHERE a.position = 3 AND b.id = 4",),
        ("UPDATE comet c JOIN star s ON s.id = c.star_id SET s.name = 'Taygeta', c.radius = 1 "
         "WHERE s.id = 3",),
        ("SET foreign_key_checks = 0", "REPLACE INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("INSERT INTO star (id, name) VALUES (3, 'x') ON DUPLICATE KEY UPDATE name = 'Taygeta'",),
        ("SET foreign_key_checks = 0", "DELETE FROM star WHERE id = 3",
         "INSERT INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("SET foreign_key_checks = 0", "UPDATE star SET id = 99 WHERE id = 4",
         "UPDATE star SET id = 4 WHERE id = 3",
         "INSERT INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("SET foreign_key_checks = 0", "TRUNCATE TABLE star",
         "INSERT INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("SET foreign_key_checks = 0", "CREATE TABLE fresh LIKE star", "DROP TABLE star",
         "RENAME TABLE fresh TO star", "INSERT INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("ALTER TABLE star ADD COLUMN first INT FIRST", RENAME,
         "ALTER TABLE star DROP COLUMN first"),
        (f"INSERT INTO star (id, name) {NUMBERS} SELECT i, 'x' FROM n", RENAME),
        (f"INSERT INTO star (id, name) {NUMBERS} SELECT i, 'x' FROM n",
         "UPDATE star SET name = 'Taygeta'"),
        ("PREPARE p FROM 'UPDATE star SET name = ? WHERE id = ?'", "SET @name = 'Taygeta', @id = 3",
         "EXECUTE p USING @name, @id"),
        ("USE mysql", "UPDATE watched.star SET name = 'Taygeta' WHERE id = 3"),
    ],
    ids=lambda statements: "; ".join(statements)[:60],
)  # fmt: skip
def test_rows(watcher: Watching, outside: Outside, statements: tuple[str, ...]) -> None:
    outside(*statements)
    wait_until(lambda: both() == {NEW})


@pytest.mark.parametrize("log_format", ["STATEMENT", "MIXED"])
@pytest.mark.parametrize(
    "statements",
    [
        (RENAME,),
        ("BEGIN", RENAME, "COMMIT"),
        ("BEGIN", RENAME, "UPDATE comet SET radius = 2", "COMMIT"),
        ("UPDATE star SET name = 'Taygeta' WHERE position = 3",),
        ("UPDATE comet, star SET star.name = 'Taygeta' WHERE star.id = 3",),
        ("SET foreign_key_checks = 0", "REPLACE INTO star (id, name) VALUES (3, 'Taygeta')"),
        ("UPDATE star SET name = CONCAT('Tay', 'geta'), mass = RAND() WHERE id = 3",),
        ("USE mysql", "UPDATE watched.star SET name = 'Taygeta' WHERE id = 3"),
    ],
    ids=lambda statements: "; ".join(statements)[:60],
)
def test_statements(
    watcher: Watching, outside: Outside, statements: tuple[str, ...], log_format: str
) -> None:
    outside(f"SET SESSION binlog_format = '{log_format}'", *statements)
    wait_until(lambda: both() == {NEW})


@pytest.mark.parametrize("log_format", ["ROW", "STATEMENT"])
def test_load_data(watcher: Watching, outside: Outside, log_format: str, tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_text("3\tTaygeta\n")
    outside(
        f"SET SESSION binlog_format = '{log_format}'",
        "SET foreign_key_checks = 0",
        f"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE star (id, name)",
    )
    wait_until(lambda: both() == {NEW})


@pytest.mark.parametrize("log_format", ["ROW", "STATEMENT"])
def test_a_trigger(watcher: Watching, outside: Outside, log_format: str) -> None:
    outside(
        "CREATE TRIGGER rename_electra AFTER UPDATE ON comet FOR EACH ROW " + RENAME,
        f"SET SESSION binlog_format = '{log_format}'",
    )
    try:
        outside("UPDATE comet SET radius = 3 WHERE name = 'Encke'")
        wait_until(lambda: both() == {NEW})
    finally:
        outside("DROP TRIGGER rename_electra")


def test_a_procedure(watcher: Watching, outside: Outside) -> None:
    outside(f"CREATE PROCEDURE rename_electra() BEGIN {RENAME}; END")
    try:
        outside("CALL rename_electra()")
        wait_until(lambda: both() == {NEW})
    finally:
        outside("DROP PROCEDURE rename_electra")


def test_a_transaction_that_is_rolled_back_touches_nothing(
    watcher: Watching, outside: Outside
) -> None:
    outside("BEGIN", RENAME, "ROLLBACK", "UPDATE comet SET radius = 4")
    wait_until(lambda: watcher.watcher.state.transactions)
    assert both() == {OLD}


def test_an_xa_transaction_that_was_prepared_before_the_watcher_began(
    watched: Primary, outside: Outside
) -> None:
    outside(*XA_PREPARED)
    with watching():
        assert both() == {OLD}
        outside("XA COMMIT 'a'")
        wait_until(lambda: both() == {NEW})


def test_a_row_that_was_absent(watcher: Watching, outside: Outside) -> None:
    assert Star.records.get(77) is None
    outside("INSERT INTO star (id, name) VALUES (77, 'new')")
    wait_until(lambda: Star.records.get(77))


def test_a_cascade_that_the_server_does_not_log(watched: Primary, outside: Outside) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW CREATE TABLE comet")
        made = cursor.fetchone()[1]
    name = made.split("CONSTRAINT `")[1].split("`")[0]
    outside(
        f"ALTER TABLE comet DROP FOREIGN KEY {name}",
        f"ALTER TABLE comet ADD CONSTRAINT {name} FOREIGN KEY (star_id) REFERENCES star (id) "
        "ON DELETE CASCADE",
    )
    with watching():
        assert Comet.objects.cached().filter(star_id=3).count() == 1
        outside("DELETE FROM star WHERE id = 3")
        wait_until(lambda: Comet.objects.cached().filter(star_id=3).count() == 0)


def test_a_table_without_a_model(watcher: Watching, outside: Outside) -> None:
    outside(
        "CREATE TABLE IF NOT EXISTS plain (id INT PRIMARY KEY, n INT)",
        "REPLACE plain VALUES (1, 1)",
    )
    wait_until(lambda: fetch("SELECT n FROM plain") == [{"n": 1}])
    outside("UPDATE plain SET n = 2")
    wait_until(lambda: fetch("SELECT n FROM plain") == [{"n": 2}])
    outside("DROP TABLE plain")
