"""The functions that are trusted: each is the server's own, and depends on its arguments alone.

Both are asked of the real server: which functions it has, and whether they give the same in two
sessions, of two users, a week apart.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.sqlite3._functions import register  # type: ignore[import-untyped]

from planets.cache.writing.clock import MAY_GIVE_TIME, TAKES_DATE, TAKES_TIME
from planets.cache.writing.functions import CALLED_BARE, MYSQL, SQLITE
from planets.cache.writing.reader import read
from tests.support.sql import past_django

NO_SUCH_FUNCTION = {1305, 1630}
SYNTAX_ERROR = 1064
COUNTS = ("", "1", "1, 1", "1, 1, 1", "1, 1, 1, 1")
# Those with words of their own between their parentheses.
FORMS = {
    "ADDDATE": "'2020-01-01', 1",
    "CAST": "1 AS CHAR",
    "CONVERT": "1, CHAR",
    "DATE_ADD": "'2020-01-01', INTERVAL 1 DAY",
    "DATE_SUB": "'2020-01-01', INTERVAL 1 DAY",
    "EXTRACT": "DAY FROM '2020-01-01'",
    "GET_FORMAT": "DATE, 'EUR'",
    "POSITION": "'a' IN 'b'",
    "TIMESTAMPADD": "DAY, 1, '2020-01-01'",
    "TIMESTAMPDIFF": "DAY, '2020-01-01', '2020-01-02'",
    "WEIGHT_STRING": "'a'",
}
OF_WINDOWS = frozenset(
    "CUME_DIST DENSE_RANK FIRST_VALUE LAG LAST_VALUE LEAD NTH_VALUE NTILE PERCENT_RANK RANK "
    "ROW_NUMBER".split()
)
OPERATORS = frozenset(["MATCH"])


@pytest.fixture
def sessions(transactional_db: None) -> Iterator[list[Any]]:
    """Two sessions of two users that have no more in common than a database."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS other_user@'%'")
        cursor.execute("GRANT ALL ON *.* TO other_user@'%'")
        cursor.execute(
            "CREATE TABLE kinds (t TIME, dt DATETIME(6), d DATE, ts TIMESTAMP NULL, s VARCHAR(30),"
            " i INT, y YEAR, n INT, f DOUBLE, js JSON, txt TEXT)"
        )
        cursor.execute(
            "INSERT INTO kinds VALUES ('10:11:12', '2024-06-02 03:04:05', '2024-06-02',"
            " '2024-06-02 03:04:05', '10:11:12', 101112, 2020, NULL, 1.5, '{\"a\": 1}',"
            " '2024-06-02 10:11:12')"
        )
    opened = [past_django(), past_django(user="other_user", password="")]
    for number, session in enumerate(opened):
        session.cursor().execute(f"SET timestamp = {1_700_000_000 + number * 100_000_001}")
        session.cursor().execute(f"SET rand_seed1 = {number}")
    yield opened
    for session in opened:
        session.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE kinds")
        cursor.execute("DROP USER other_user@'%'")


def answer(session: Any, sql: str) -> Any:
    """The rows; the number of the error where it is one."""
    cursor = session.cursor()
    try:
        cursor.execute(sql)
        return cursor.fetchall()
    except connection.Database.Error as error:
        return error.args[0]


@pytest.mark.parametrize("name", sorted(MYSQL - OF_WINDOWS - OPERATORS))
@pytest.mark.mysql
@pytest.mark.once
def test_a_trusted_function_is_the_servers_own(name: str, plain: Any) -> None:
    """Nobody can then make a function that is called by its name alone."""
    found = {answer(plain, f"SELECT {name}({FORMS.get(name, form)})") for form in COUNTS}
    assert not found & NO_SUCH_FUNCTION
    assert found != {SYNTAX_ERROR}


@pytest.fixture(scope="module")
def plain() -> Iterator[Any]:
    """A session without a database."""
    session = past_django(database="")
    yield session
    session.close()


@pytest.mark.mysql
@pytest.mark.once
def test_a_function_of_windows_is_the_servers_own(sessions: list[Any]) -> None:
    for name in OF_WINDOWS:
        forms = ("", "1", "i", "i, 1")
        found = [
            answer(sessions[0], f"SELECT {name}({f}) OVER (ORDER BY i) FROM kinds") for f in forms
        ]
        assert any(isinstance(rows, tuple) for rows in found), name


COLUMNS = ("dt", "d", "ts", "s", "i", "y", "n", "f", "js", "txt")
SECOND = ("s", "i", "dt", "'$.a'", "'%Y %W'")


def arguments() -> Iterator[str]:
    yield from COLUMNS
    for one, two in itertools.product(COLUMNS, SECOND):
        yield f"{one}, {two}"
    for three in itertools.product(("s", "js", "dt", "i"), ("i", "'$.a'", "'%Y'"), ("i", "'x'")):
        yield ", ".join(three)


@pytest.mark.mysql
@pytest.mark.once
def test_a_trusted_function_gives_the_same_to_everybody_for_ever(sessions: list[Any]) -> None:
    one, other = sessions
    ran = set()
    for name in sorted(MYSQL - OF_WINDOWS - OPERATORS):
        for given in arguments():
            sql = f"SELECT {name}({given}) FROM kinds"
            if isinstance(rows := answer(one, sql), tuple):
                ran.add(name)
                assert rows == answer(other, sql), sql
    assert answer(one, "SELECT NOW()") != answer(other, "SELECT NOW()")
    assert len(ran) > 150


@pytest.mark.mysql
@pytest.mark.once
def test_what_makes_a_date_of_a_time_is_known(sessions: list[Any]) -> None:
    """Given a TIME, a function that tells the day is one that takes dates, or mixes kinds."""
    one, other = sessions
    mixes = {"COALESCE", "GREATEST", "IF", "IFNULL", "LEAST", "NULLIF", "ELT", "MAKE_SET"}
    tell = set()
    for name in sorted(MYSQL - OF_WINDOWS - OPERATORS - mixes):
        for given in ("t", "t, i", "t, t", "t, dt", "dt, t", "i, t", "t, s", "i, t, dt"):
            sql = f"SELECT {name}({given}) FROM kinds"
            if isinstance(rows := answer(one, sql), tuple) and rows != answer(other, sql):
                tell.add(name)
    assert {"DATE", "YEAR", "TO_DAYS", "TIMESTAMP", "UNIX_TIMESTAMP"} <= tell
    assert all(TAKES_DATE.match(f"{name}(") for name in tell)
    assert not tell & TAKES_TIME
    assert MAY_GIVE_TIME <= MYSQL


@pytest.mark.mysql
@pytest.mark.once
def test_every_word_that_calls_something_without_parentheses_is_known(plain: Any) -> None:
    words = answer(plain, "SELECT word FROM information_schema.keywords")
    assert len(words) > 500
    constants = {"FALSE", "NULL", "TRUE"}
    called = {
        word.upper() for (word,) in words if isinstance(answer(plain, f"SELECT {word}"), tuple)
    }
    assert "UTC_DATE" in called
    assert called - constants <= CALLED_BARE
    for word in called - constants:
        assert read("mysql", f"SELECT {word} FROM star").doubt == f"{word} changes by itself"
        assert not read("mysql", f"SELECT `{word}`, star.`{word}` FROM star").doubt


DETERMINISTIC = 0x800  # SQLITE_DETERMINISTIC


def test_sqlites_functions_are_deterministic() -> None:
    database = sqlite3.connect(":memory:")
    register(database)
    flags: dict[str, int] = {}
    for name, flag in database.execute("SELECT name, flags FROM pragma_function_list"):
        flags[name.upper()] = flags.get(name.upper(), -1) & flag
    database.close()
    syntax = {"CAST"}
    assert flags.keys() >= SQLITE - syntax
    # SQLite does not say that of aggregates and of functions of windows.
    aggregates = set("AVG COUNT GROUP_CONCAT MAX MIN SUM TOTAL".split()) | OF_WINDOWS
    aggregates |= set("STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP".split())
    told = SQLITE - syntax - aggregates
    assert {name for name in told if not flags[name] & DETERMINISTIC} == set()
    clocks = {"DATE", "TIME", "DATETIME", "JULIANDAY", "STRFTIME", "UNIXEPOCH", "TIMEDIFF"}
    assert not SQLITE & clocks


@pytest.mark.parametrize(
    ("sql", "doubt"),
    [
        ("SELECT MD5(name) FROM star", "MD5() is not known"),  # none of MySQL's own since 9.6
        ("SELECT ANY_VALUE(name) FROM star", "ANY_VALUE() is not known"),  # nor of MariaDB's
        ("SELECT other.left(name, 1) FROM star", "LEFT() is not known"),
        ("SELECT `left`(name, 1) FROM star", "`left` stands apart"),
        ("SELECT count (id) FROM star", "COUNT stands apart"),  # by the mode, a stored function
        ("SELECT `count` (id) FROM star", "`count` stands apart"),
        ("SELECT UNIX_TIMESTAMP() FROM star", "UNIX_TIMESTAMP() is not known"),
        ("SELECT LAST_INSERT_ID(5) FROM star", "LAST_INSERT_ID() is not known"),
        ("SELECT GET_LOCK('a', 1), SLEEP(1) FROM star", "GET_LOCK() is not known"),
        ("SELECT SQL_CALC_FOUND_ROWS * FROM star LIMIT 1", "FOUND_ROWS() after it"),
        ("SELECT FOUND_ROWS() FROM star", "FOUND_ROWS() is not known"),
        ("SELECT @a := id FROM star", "session variable"),
        ("SELECT @'a', @`a` FROM star", "session variable"),
        ("SELECT id INTO @a FROM star", "session variable"),
        ("SELECT id INTO OUTFILE '/tmp/x' FROM star", "could not be parsed"),
        (
            "SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) t",
            "JSON_TABLE() is not known",
        ),
        ("SELECT /*+ SET_VAR(sql_mode = '') */ * FROM star", "not understood"),
        ("SELECT DATETIME(id) FROM star", "DATETIME() is not known"),  # a type, elsewhere
        ("SELECT PREVIOUS VALUE FOR s FROM star", "could not be parsed"),
        ("SELECT Current_Role FROM star", "CURRENT_ROLE changes by itself"),
    ],
)
def test_what_depends_on_more_is_not_cached(sql: str, doubt: str) -> None:
    statement = read("mysql", sql)
    assert statement.kind == "read"
    assert doubt in statement.doubt


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE n (id) AS (SELECT 1 UNION SELECT id + 1 FROM n) SELECT * FROM n, star",
        "SELECT IF (id, 1, 2), LEFT (name, 1), CAST(id AS DECIMAL(5, 2)) FROM star",
        "SELECT COUNT(*) FROM star WHERE id IN (1, 2) AND (name = 'a' OR NOT (id > 1))",
        "SELECT UNIX_TIMESTAMP(id), GROUP_CONCAT(DISTINCT name ORDER BY id) FROM star",
        "SELECT SUM(id) OVER (PARTITION BY name ORDER BY id) FROM star",
        "SELECT JSON_OBJECT('a', name, 'b', id), name->'$.a' FROM star",
        "SELECT * FROM star JOIN comet USING (id) WHERE MATCH (name) AGAINST ('x')",
        "SELECT utc_date.id FROM star utc_date",
    ],
)
def test_what_calls_only_that_may_be_cached(sql: str) -> None:
    doubt = read("mysql", sql).doubt
    assert doubt == ("UTC_DATE changes by itself" if "utc_date" in sql else "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sqlite_master",
        "SELECT * FROM sqlite_sequence JOIN star",
        "SELECT * FROM pragma_table_info",
        "SELECT * FROM json_each(%s)",
        "SELECT random(), last_insert_rowid() FROM star",
        "SELECT CURRENT_DATE FROM star",
        "SELECT datetime(%s) FROM star",
    ],
)
def test_what_sqlite_keeps_or_makes_by_itself_is_not_cached(sql: str) -> None:
    assert read("sqlite", sql).doubt
