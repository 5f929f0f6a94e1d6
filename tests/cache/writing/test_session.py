"""What a session changes for itself is nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import CharField
from django.db.models.aggregates import Aggregate

from planets.cache import fetch
from planets.cache.events import Fetch
from planets.cache.writing.hooks import transaction_of
from planets.cache.writing.reader import read
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Star
from tests.support.interleave import elsewhere
from tests.support.sql import sql

# --- which statements


HARMLESS = (
    "SET foreign_key_checks = 0",
    "SET SESSION wait_timeout = 600, @@session.net_read_timeout = @@net_read_timeout",
    "SET @x = (SELECT MAX(id) FROM star), @y := NOW()",
    "SET @@unique_checks = @old",
    "SET GLOBAL max_statement_time = 5",
    "SET SQL_AUTO_IS_NULL = 0",
    "SET completion_type = 'NO_CHAIN'",
    "SET PASSWORD FOR a = PASSWORD('b')",
    "SET DEFAULT ROLE a FOR b",
    "SET SESSION TRANSACTION READ ONLY",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
    "SET tx_isolation = 'READ-COMMITTED'",
    "SET autocommit = 0",
    "SET SQL_AUTO_IS_NULL = 0; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET STATEMENT max_statement_time = 1 FOR SELECT * FROM star",
    "KILL 5",
    "SAVEPOINT a",
    "SHOW WARNINGS",
)
TELLING = {
    "SET time_zone = '+05:00'": "SET TIME_ZONE",
    "SET SESSION group_concat_max_len = 10": "SET GROUP_CONCAT_MAX_LEN",
    "SET @@sql_mode = ''": "SET SQL_MODE",
    "SET foreign_key_checks = 0, `div_precision_increment` = 9": "SET DIV_PRECISION_INCREMENT",
    "SET @x = 1, SESSION lc_time_names = 'de_DE'": "SET LC_TIME_NAMES",
    "SET LOCAL timestamp = 5": "SET TIMESTAMP",
    "SET sql_select_limit = 5": "SET SQL_SELECT_LIMIT",
    "SET wait_timeout = f(1)": "SET WAIT_TIMEOUT",
    "SET SQL_AUTO_IS_NULL = 1": "SET SQL_AUTO_IS_NULL",
    "SET completion_type = 1": "SET COMPLETION_TYPE",
    "SET NAMES latin1": "SET NAMES latin1",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin": "SET NAMES UTF8MB4 COLLATE UTF8MB4_BIN",
    "SET NAMES DEFAULT": "SET NAMES DEFAULT",
    "SET CHARACTER SET latin1": "SET CHARACTER SET LATIN1",
    "SET ROLE admin": "SET ROLE ADMIN",
    "SET GLOBAL net_read_timeout = 1, @@session.time_zone = 'UTC'": "SET TIME_ZONE",
    "USE other": "another database",
    "CREATE TEMPORARY TABLE star (id INT)": "temporary tables",
    "DROP TEMPORARY TABLE star": "temporary tables",
    "CREATE OR REPLACE TEMPORARY TABLE star AS SELECT 1": "temporary tables",
    "CREATE /* */ TEMPORARY /* */ TABLE star (id INT)": "temporary tables",
    "SET @tenant = 9; USE other": "another database",
    "CALL report(1)": "CALL may have",
    "EXECUTE it": "EXECUTE may have",
    "EXECUTE IMMEDIATE 'USE other'": "EXECUTE may have",
    "BEGIN NOT ATOMIC SET time_zone = 'UTC'; END": "not understood",
    "/*! USE other */": "not understood",
    "SELECT 1 /*! ; USE other */": "not understood",
    "SELECT 'a\\'; USE other; -- '": "not understood",
    "IF 1 THEN SET time_zone = 'UTC'; END IF": "not understood",
    "something new": "not understood",
}
QUIET_ON_SQLITE = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA table_info('star')",
    "PRAGMA foreign_key_check(star)",
    "PRAGMA journal_mode=WAL",
    "PRAGMA legacy_alter_table = ON",
    "PRAGMA case_sensitive_like",
    "PRAGMA main.table_info(star)",
    "EXPLAIN QUERY PLAN SELECT * FROM star",
)
TELLING_ON_SQLITE = (
    "PRAGMA case_sensitive_like = ON",
    "PRAGMA reverse_unordered_selects = 1",
    "PRAGMA read_uncommitted = 1",
    "PRAGMA main.encoding = 'UTF-16'",
    "ATTACH DATABASE 'x' AS y",
    "CREATE TEMP TABLE star (id INT)",
    "CREATE TEMPORARY VIEW star AS SELECT 1",
    "CREATE TEMP TRIGGER t AFTER INSERT ON star BEGIN DELETE FROM comet; END",
    "CREATE TABLE temp.star (id INT)",
    'CREATE TABLE IF NOT EXISTS "temp".star (id INT)',
)


@pytest.mark.parametrize(
    ("vendor", "statement"),
    [*(("mysql", s) for s in HARMLESS), *(("sqlite", s) for s in QUIET_ON_SQLITE)],
)
def test_a_statement_that_changes_no_result(vendor: str, statement: str) -> None:
    found = read(vendor, statement)
    assert found.private == ""
    assert found.kind in ("other", "read")


@pytest.mark.parametrize(
    ("vendor", "statement", "why"),
    [
        *(("mysql", s, why) for s, why in TELLING.items()),
        *(("sqlite", s, "") for s in TELLING_ON_SQLITE),
    ],
)
def test_a_statement_that_may_change_results(vendor: str, statement: str, why: str) -> None:
    private = read(vendor, statement).private
    assert private
    assert why in private


@pytest.mark.parametrize(
    ("statement", "isolation"),
    [
        ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", True),
        ("SET @@session.transaction_isolation = 'SERIALIZABLE'", True),
        ("SET NAMES utf8; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", True),
        ("SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE", False),
        ("SET TRANSACTION READ ONLY", False),
    ],
)
def test_an_isolation_level(statement: str, isolation: bool) -> None:
    assert read("mysql", statement).isolation == isolation


def test_what_changes_sessions_to_come_makes_all_stale() -> None:
    found = read("mysql", "SET GLOBAL time_zone = '+05:00'")
    assert (found.kind, bool(found.doubt), found.private) == ("write", True, "")


# --- what comes of it

live = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]


def marked(test: Callable[..., Any]) -> Callable[..., Any]:
    for mark in live:
        test = mark(test)
    return test


class Names(Aggregate):
    function, output_field, name = "GROUP_CONCAT", CharField(), "Names"


def names() -> str:
    return str(Star.objects.cached().aggregate(all=Names("name"))["all"])


def hour() -> int:
    return int(fetch("SELECT HOUR(FROM_UNIXTIME(id * 0)) AS h FROM star LIMIT 1")[0]["h"])


@marked
@pytest.mark.parametrize(
    ("statement", "see"),
    [("SET group_concat_max_len = 5", names), ("SET time_zone = '+09:00'", hour)],
)
def test_others_do_not_get_its_results(statement: str, see: Callable[[], Any]) -> None:
    def changed() -> list[Any]:
        sql(statement)
        return [see(), see()]

    first, again = elsewhere(changed)
    before = see()
    assert first == again != before
    assert elsewhere(changed) == [first, again]
    assert see() == before


@marked
def test_it_is_its_own_until_it_closes(events: list[Fetch]) -> None:
    sql("SET time_zone = '+00:00'")
    by_query()
    assert (events[-1].outcome, events[-1].reason) == (
        "bypass",
        "SET TIME_ZONE may have changed what its connection sees",
    )
    sql("SET time_zone = DEFAULT")
    by_query()
    assert events[-1].outcome == "bypass"
    connection.close()
    by_query()
    assert events[-1].outcome != "bypass"


@marked
def test_its_writes_are_seen_by_all_and_leave_other_tables() -> None:
    assert elsewhere(by_query) == elsewhere(by_record) == OLD
    counted: list[Fetch] = []
    from planets.cache import fetched

    hear = lambda event, **kwargs: counted.append(event)  # noqa: E731
    elsewhere(lambda: fetch("SELECT COUNT(*) AS n FROM comet"))
    sql("SET lc_time_names = 'de_DE'")
    rename()
    assert elsewhere(by_query) == elsewhere(by_record) == NEW
    fetched.connect(hear)
    elsewhere(lambda: fetch("SELECT COUNT(*) AS n FROM comet"))
    fetched.disconnect(hear)
    assert [event.outcome for event in counted] == ["hit"]


@marked
def test_the_names_that_it_has_already_change_nothing(events: list[Fetch]) -> None:
    for names in ("utf8mb4", "'utf8mb4' COLLATE utf8mb4_bin"):
        sql(f"SET NAMES {names}")
        by_query()
    assert [event.outcome for event in events] == ["miss", "bypass"]


@marked
def test_names_are_others_where_the_connection_has_a_collation(events: list[Fetch]) -> None:
    def run() -> None:
        own = connections["default"]
        own.settings_dict = {**own.settings_dict}
        own.settings_dict["OPTIONS"] = {**own.settings_dict["OPTIONS"], "collation": "utf8mb4_bin"}
        sql("SET NAMES utf8mb4")
        by_query()

    elsewhere(run)
    assert events[-1].outcome == "bypass"


@marked
def test_what_django_itself_sends_leaves_it_as_it_is(events: list[Fetch]) -> None:
    with connection.constraint_checks_disabled():
        pass
    connection.check_constraints()
    connection.introspection.table_names()
    connection.close()
    connection.ensure_connection()
    found = transaction_of(connection)
    assert found
    assert found.session.private == ""
    by_query()
    assert events[-1].outcome == "miss"


@marked
def test_a_procedure_s_temporary_table_is_of_its_caller() -> None:
    sql("DROP PROCEDURE IF EXISTS report")
    sql(
        "CREATE PROCEDURE report(number INT) BEGIN DROP TEMPORARY TABLE IF EXISTS found; "
        "CREATE TEMPORARY TABLE found AS SELECT name FROM star WHERE id = number; END"
    )

    def report(number: int) -> str:
        with connection.cursor() as cursor:
            if number % 2:
                cursor.execute(f"CALL report({number})")
            else:
                cursor.callproc("report", [number])
        return str(fetch("SELECT name FROM found")[0]["name"])

    try:
        assert [elsewhere(lambda n=number: report(n)) for number in (3, 4, 3)] == [OLD, "Maia", OLD]
    finally:
        sql("DROP PROCEDURE report")


def test_on_sqlite_a_pragma_is_of_its_connection(sky: None, redis: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("it is about SQLite")
    statement = "SELECT COUNT(*) AS n FROM star WHERE name LIKE 'e%'"
    both = fetch(statement)

    def strict() -> list[dict[str, Any]]:
        sql("PRAGMA case_sensitive_like = ON")
        return fetch(statement)

    assert elsewhere(strict) != both
    assert fetch(statement) == both
