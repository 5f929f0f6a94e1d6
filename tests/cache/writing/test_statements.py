"""Statements that are easily misread, and what each does besides to its session and transaction."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import JSONObject

from planets.cache.writing.reader import read, text_of
from planets.cache.writing.statement import PrimaryKeys, Statement
from tests.cache.zoo.models import Everything, Star


def keys_of(statement: Statement) -> set[int]:
    return {value for key in statement.keys for value in key.values if key.column == "id"}


# --- tables


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("UPDATE LOW_PRIORITY star SET x = 1", {"star"}),
        ("UPDATE IGNORE star SET x = 1", {"star"}),
        ("UPDATE LOW_PRIORITY IGNORE star s SET x = 1", {"star"}),
        ("DELETE LOW_PRIORITY QUICK IGNORE FROM star", {"star"}),
        ("INSERT DELAYED star VALUES (1)", {"star"}),
        ("INSERT HIGH_PRIORITY IGNORE INTO star SELECT * FROM comet", {"star"}),
        ("REPLACE DELAYED star VALUES (1)", {"star"}),
        ("REPLACE INTO star SELECT * FROM comet", {"star"}),
        ("REPLACE star SET x = 1", {"star"}),
        ("INSERT /*+ NO_ICP(comet) */ INTO star VALUES (1)", {"star"}),
        ("INSERT INTO star PARTITION (p0) (x) VALUES (1)", {"star"}),
        ("INSERT INTO star VALUES (1) AS n ON DUPLICATE KEY UPDATE x = n.x", {"star"}),
        ("INSERT INTO star (x) VALUES (1) RETURNING (SELECT MAX(id) FROM comet)", {"star"}),
        ("UPDATE star USE INDEX (a) IGNORE INDEX FOR ORDER BY (b, c) SET x = 1", {"star"}),
        ("UPDATE star FOR PORTION OF p FROM '2000-01-01' TO '2001-01-01' SET x = 1", {"star"}),
        ("DELETE FROM star FOR PORTION OF p FROM %s TO %s WHERE id = %s", {"star"}),
        ("DELETE FROM star WHERE id > 3 ORDER BY id LIMIT 1 RETURNING id", {"star"}),
        ("DELETE star.*, c.* FROM star JOIN comet c ON 1", {"star", "comet", "c"}),
        ("DELETE FROM s USING star s JOIN comet ON 1", {"star", "comet", "s"}),
        ("DELETE s FROM star s WHERE id IN (SELECT id FROM comet)", {"star", "s"}),
        ("WITH c AS (SELECT 1 FROM comet) UPDATE IGNORE star JOIN c SET x = 1", {"star", "c"}),
        ("WITH c AS (TABLE comet) DELETE FROM star WHERE id IN (SELECT id FROM c)", {"star"}),
        ("UPDATE star, (SELECT id FROM comet) d SET x = 1 WHERE d.id = star.id", {"star"}),
        ("UPDATE star SET x = 5--(SELECT MAX(id) FROM comet)", {"star"}),
        ('UPDATE "star" SET "x" = 1 WHERE "id" = 3', {"star"}),
        ('INSERT LOW_PRIORITY INTO "my star" VALUES (1)', {"my star"}),
        ("INSERT INTO `my ``star` VALUES (1)", {"my `star"}),
        ("INSERT INTO STAR VALUES (1)", {"star"}),
        ("INSERT INTO star VALUES (NEXTVAL(s), NEXT VALUE FOR `t`)", {"star", "s", "t"}),
        ("SELECT NEXTVAL(s)", {"s"}),
        ("SELECT NEXT VALUE FOR s", {"s"}),
        ("SELECT SETVAL(`s`, 5), 1", {"s"}),
        ("DROP TABLE star, comet", {"star", "comet"}),
        ("DROP TABLE temp", {"temp"}),
        ("TRUNCATE temporary", {"temporary"}),
        ("ALTER TABLE temp ADD COLUMN a INT", {"temp"}),
        ("CREATE TABLE temp (a INT)", {"temp"}),
        ("ALTER TABLE star RENAME TO comet", {"star", "comet"}),
    ],
)
def test_the_tables_of_a_write(sql: str, tables: set[str]) -> None:
    statement = read("mysql", sql)
    assert (statement.kind, statement.doubt) == ("write", "")
    assert statement.tables == tables


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1--(SELECT MAX(id) FROM comet) FROM star", {"star", "comet"}),
        ("SELECT * FROM star USE INDEX (a) JOIN comet FORCE KEY FOR JOIN (b)", {"star", "comet"}),
        ("SELECT * FROM (star, comet) STRAIGHT_JOIN c2", {"star", "comet", "c2"}),
        ("SELECT * FROM star PARTITION (p0) AS s", {"star"}),
        ("TABLE star", {"star"}),
        ("SELECT HIGH_PRIORITY SQL_NO_CACHE id FROM star", {"star"}),
        ("SELECT * FROM star FOR SYSTEM_TIME AS OF '2020-01-01'", {"star"}),
        ("SELECT (SELECT 1 FROM comet) FROM star EXCEPT TABLE c2", {"star", "comet", "c2"}),
        ("SELECT * FROM star WHERE 'a''b' = x AND \"FROM c2\" = y", {"star"}),
    ],
)
def test_the_tables_of_a_read(sql: str, tables: set[str]) -> None:
    statement = read("mysql", sql)
    assert (statement.kind, statement.doubt) == ("read", "")
    assert statement.tables == tables


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("UPDATE OR IGNORE star SET x = 1", {"star"}),
        ("INSERT OR REPLACE INTO [my star] VALUES (1)", {"my star"}),
        ("REPLACE INTO star VALUES (1)", {"star"}),
        ("UPDATE star SET x = c.x FROM comet c WHERE c.id = 3", {"star", "comet"}),
        ("DELETE FROM 'star'", {"star"}),
        ("CREATE TABLE temp (a INT)", {"temp"}),
        ("DROP TABLE temp", {"temp"}),
        ("INSERT INTO star DEFAULT VALUES", {"star"}),
        ("INSERT INTO star VALUES (1) ON CONFLICT (id) DO UPDATE SET x = excluded.x", {"star"}),
    ],
)
def test_the_tables_of_a_write_to_sqlite(sql: str, tables: set[str]) -> None:
    statement = read("sqlite", sql)
    assert (statement.kind, statement.doubt) == ("write", "")
    assert tables <= statement.tables


# --- rows


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE star SET x = 1 WHERE x XOR y AND id = 3",  # (x XOR y) AND ... to the parser alone
        "UPDATE star SET x = 1 WHERE NOT x = y XOR id = 3",
        "UPDATE star s JOIN (SELECT id FROM comet) d ON d.id = s.x SET x = 1 WHERE d.id = 3",
        "UPDATE star, comet SET star.x = 1 WHERE comet.id = 3",
        "UPDATE star SET x = 1 WHERE other.id = 3",
        "UPDATE star JOIN star t ON 1 SET star.x = 1 WHERE t.id = 3",
        "UPDATE star FOR PORTION OF p FROM 1 TO 2 SET x = 1 WHERE id = 3",
        "UPDATE star SET id = 4 WHERE id = 3",
        "UPDATE star SET x = 1 WHERE id = b'11'",
        "UPDATE star SET x = 1 WHERE id = 0x3",
        "UPDATE star SET x = 1 WHERE id = '3'",
        "UPDATE star SET x = 1 WHERE id = 3 | 4",
        "UPDATE star SET x = 1 WHERE id = 3 IS FALSE",
        "UPDATE star SET x = 1 WHERE id = 3 = y",
        "UPDATE star SET x = 1 WHERE id IN (3) = y",
        "UPDATE star SET x = 1 WHERE id IN (SELECT 3)",
        "UPDATE star SET x = 1 WHERE CASE WHEN x THEN 1 END AND id = f(3)",
        "DELETE FROM star USING star, comet WHERE comet.id = 3",
        "DELETE a FROM star a, star b WHERE b.id = 3",
        "WITH star AS (SELECT 3 AS id) DELETE FROM star WHERE id = 3",
    ],
)
def test_rows_that_are_not_certain_are_all_rows(sql: str) -> None:
    statement = read("mysql", sql)
    assert statement.changes_rows
    assert keys_of(statement) == set()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE star SET x = 1 WHERE id = 3",
        "UPDATE LOW_PRIORITY star s SET x = 1 WHERE s.id = 3 AND (y > 1 OR NOT y = 2)",
        "DELETE FROM star WHERE (x = 1 AND (star.ID = 3)) ORDER BY x LIMIT 1",
        "UPDATE star SET x = (SELECT MAX(id) FROM comet WHERE id = 4) WHERE id IN (3)",
    ],
)
def test_rows_that_are_certain(sql: str) -> None:
    assert keys_of(read("mysql", sql)) == {3}


def test_sqlite_takes_other_rows_out_of_the_way() -> None:
    statement = read("sqlite", "UPDATE OR REPLACE star SET position = 3 WHERE id = 4")
    assert (statement.changes_rows, statement.keys) == (True, ())
    assert read("sqlite", "INSERT OR REPLACE INTO star VALUES (1)").changes_rows


def test_a_key_in_a_long_condition_is_found() -> None:
    many = " AND ".join(f"x{n} = 1" for n in range(3000))
    assert keys_of(read("mysql", f"UPDATE star SET x = 1 WHERE {many} AND id = 3")) == {3}


# --- what Django writes


def written(queryset: Any) -> Statement:
    sql, params = queryset.query.get_compiler(connection=connection).as_sql()
    return read(connection.vendor, sql, bool(params))


@pytest.mark.django_db
def test_what_django_writes_is_understood() -> None:
    statements: list[Statement] = []

    def hear(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        statements.append(read(connection.vendor, sql, params is not None))
        return execute(sql, params, *rest)

    rows = [Everything(binary=b"\x00'x", json={"a": 1}, char=char) for char in ("x", None)]
    with connection.execute_wrapper(hear):
        Everything.objects.bulk_create(rows)
        Everything.objects.filter(binary=b"x").update(binary=b"y", json=None)
        rows = list(Everything.objects.all())
        Everything.objects.bulk_update(rows, ["binary", "json", "char"])
        Everything.objects.filter(binary=b"x").delete()
    assert {(statement.kind, statement.doubt) for statement in statements} == {
        ("read", ""),
        ("write", ""),
    }
    function = JSONObject(a="char", b="integer")
    assert written(Everything.objects.annotate(found=function)).doubt == ""
    assert written(Everything.objects.filter(binary__in=[b"x", b"y"])).doubt == ""


PATTERNS = {
    "UPDATE `zoo_everything` SET `binary` = _binary %s WHERE `zoo_everything`.`id` = %s": (1,),
    "UPDATE `t` SET `a` = CASE WHEN (`t`.`id` = %s) THEN _binary %s WHEN (`t`.`id` = %s) THEN NULL "
    "ELSE NULL END WHERE `t`.`id` IN (%s, %s)": (3, 4),
}


@pytest.mark.parametrize(("sql", "positions"), PATTERNS.items())
def test_a_text_of_bytes_is_understood(sql: str, positions: tuple[int, ...]) -> None:
    statement = read("mysql", sql)
    assert statement.doubt == ""
    assert statement.keys == (PrimaryKeys("id", (), positions),)


def test_sql_may_come_as_bytes() -> None:
    assert text_of(b"SELECT name FROM star") == "SELECT name FROM star"
    assert read("mysql", text_of("SELECT größe FROM star".encode())).tables == {"star"}
    assert read("mysql", text_of(b"SELECT \xff FROM star")).doubt


def test_an_explain_changes_nothing() -> None:
    for sql in (
        "EXPLAIN DELETE FROM star",
        "EXPLAIN ANALYZE SELECT * FROM star",
        "EXPLAIN FORMAT = TREE SELECT * FROM star",
        "ANALYZE FORMAT = JSON SELECT * FROM star",
        "ANALYZE SELECT * FROM star WHERE x = 'DELETE FROM comet'",
        "DESCRIBE star",
        "EXPLAIN FOR CONNECTION 5",
    ):
        assert read("mysql", sql) == Statement("other")
    assert read("mysql", "ANALYZE FORMAT = JSON DELETE FROM star WHERE id = 3").tables == {"star"}


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_explain_analyze_of_django_invalidates_nothing(redis: Any) -> None:
    list(Star.objects.cached())
    kept = set(redis.keys("*"))
    assert Star.objects.all().explain(analyze=True, format="JSON")
    assert set(redis.keys("*")) == kept


# --- transactions


@pytest.mark.parametrize(
    ("sql", "kind", "commits"),
    [
        ("ALTER TABLE star ADD COLUMN y INT", "write", "yes"),
        ("CREATE TABLE t (id INT)", "write", "yes"),
        ("CREATE VIEW v AS SELECT 1", "write", "yes"),
        ("CREATE TRIGGER t AFTER INSERT ON star FOR EACH ROW SET @a = 1", "write", "yes"),
        ("DROP TABLE star", "write", "yes"),
        ("TRUNCATE star", "write", "yes"),
        ("RENAME TABLE star TO comet", "write", "perhaps"),
        ("ANALYZE TABLE star", "write", "perhaps"),
        ("LOCK TABLES star WRITE", "other", "yes"),
        ("UNLOCK TABLES", "other", "perhaps"),
        ("GRANT SELECT ON star TO somebody", "other", "yes"),
        ("CREATE USER somebody", "other", "yes"),
        ("SET PASSWORD = 'x'", "other", "yes"),
        ("SET autocommit = 1", "other", "perhaps"),
        ("XA COMMIT 'x'", "write", "yes"),
        ("CALL something()", "write", "perhaps"),
        ("SELECT 1; COMMIT", "write", "perhaps"),
        ("SAVEPOINT a", "other", ""),
        ("RELEASE SAVEPOINT a", "other", ""),
        ("PREPARE it FROM 'DELETE FROM star'", "other", ""),
        ("DROP PREPARE it", "other", ""),
        ("HANDLER star OPEN", "other", ""),
        ("DO SLEEP(1), GET_LOCK('a', 1)", "other", ""),
        ("DO writes()", "write", ""),
        ("DO writes (1)", "write", ""),
        ("UPDATE star SET x = 1", "write", ""),
        ("XA START 'x'", "begin", ""),
        ("XA END 'x'", "other", ""),
        ("XA PREPARE 'x'", "end", ""),
        ("XA ROLLBACK 'x'", "end", ""),
        ("ROLLBACK WORK TO SAVEPOINT a", "other", ""),
        ("START SLAVE", "write", "perhaps"),
    ],
)
def test_what_commits_though_it_is_no_commit(sql: str, kind: str, commits: str) -> None:
    statement = read("mysql", sql)
    assert (statement.kind, statement.commits) == (kind, commits)
    assert not statement.private or sql.startswith("CALL")


def test_on_sqlite_definitions_do_not_commit_and_savepoints_may() -> None:
    assert read("sqlite", "ALTER TABLE star ADD COLUMN y INT").commits == ""
    assert read("sqlite", "RELEASE SAVEPOINT a").commits == "perhaps"
