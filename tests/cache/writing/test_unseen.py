"""Transactions that begin or end where a statement hides it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from planets.cache.events import Fetch
from planets.cache.storage import keys
from planets.cache.writing.hooks import transaction_of
from planets.cache.writing.transaction import Transaction
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Comet, Star, Tag
from tests.support.interleave import Elsewhere, Stop, elsewhere
from tests.support.sql import sql

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]

RENAME = "UPDATE star SET name = 'Taygeta' WHERE id = 3"


def others_read() -> set[str]:
    return {elsewhere(by_query), elsewhere(by_record)}


def own() -> Transaction:
    found = transaction_of(connection)
    assert found
    return found


@pytest.fixture(autouse=True)
def procedures(sky: None) -> Iterator[None]:
    sql("DROP PROCEDURE IF EXISTS opener")
    sql("DROP PROCEDURE IF EXISTS teller")
    sql(f"CREATE PROCEDURE opener() BEGIN START TRANSACTION; {RENAME}; END")
    sql("CREATE PROCEDURE teller() BEGIN SELECT 1; SELECT 2; SELECT 3; END")
    assert others_read() == {OLD}
    yield
    connection.close()
    sql("DROP PROCEDURE opener")
    sql("DROP PROCEDURE teller")


def test_a_procedure_may_be_called_by_a_cursor_that_nobody_keeps() -> None:
    connection.ensure_connection()
    connection.create_cursor().callproc("teller")  # which leaves results that nobody reads
    connection.close()
    assert others_read() == {OLD}


# --- begun unseen


BEGINNINGS: dict[str, Callable[[], Any]] = {
    "SET autocommit = 0 before a write": lambda: sql(f"SET autocommit = 0; {RENAME}"),
    "BEGIN before a write": lambda: sql(f"BEGIN; {RENAME}"),
    "a procedure": lambda: sql("CALL opener()"),
    "callproc": lambda: connection.cursor().callproc("opener"),
    "a prepared statement": lambda: [
        sql("PREPARE it FROM 'SET autocommit = 0'"),
        sql("EXECUTE it"),
        sql(RENAME),
    ],
    "a comment that is run": lambda: [sql("/*! START TRANSACTION */"), sql(RENAME)],
    "an end that begins another": lambda: [
        sql("SET completion_type = 1"),
        sql("BEGIN"),
        sql("COMMIT"),
        sql(RENAME),
    ],
    "XA START": lambda: [sql("XA START 'x'"), sql(RENAME)],
}
ENDS: dict[str, Callable[[], Any]] = {
    "COMMIT": lambda: sql("COMMIT"),
    "Django's": lambda: connection.commit(),
    "BEGIN": lambda: sql("BEGIN"),
    "a definition": lambda: sql("CREATE TABLE other_table (id INT)"),
    "LOCK TABLES": lambda: [sql("LOCK TABLES comet READ"), sql("UNLOCK TABLES")],
    "hidden": lambda: sql("SET @x = 1; COMMIT"),
}
XA_ENDS: dict[str, Callable[[], Any]] = {
    "XA COMMIT ONE PHASE": lambda: [sql("XA END 'x'"), sql("XA COMMIT 'x' ONE PHASE")],
    "XA COMMIT": lambda: [sql("XA END 'x'"), sql("XA PREPARE 'x'"), sql("XA COMMIT 'x'")],
}


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param(begin, end, id=f"{one}, {other}")
        for one, begin in BEGINNINGS.items()
        for other, end in (XA_ENDS if one == "XA START" else ENDS).items()
    ],
)
def test_what_it_wrote_is_seen_after_its_end_and_not_before(
    begin: Callable[[], Any], end: Callable[[], Any]
) -> None:
    begin()
    assert others_read() == {OLD}
    assert others_read() == {OLD}
    end()
    assert others_read() == {NEW}
    assert others_read() == {NEW}
    sql("ROLLBACK")
    sql("SET autocommit = 1")
    sql("DROP TABLE IF EXISTS other_table")


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_what_it_wrote_and_took_back_was_never_seen(begin: Callable[[], Any]) -> None:
    begin()
    assert by_query() == NEW
    assert others_read() == {OLD}
    if begin is BEGINNINGS["XA START"]:
        sql("XA END 'x'")
        sql("XA ROLLBACK 'x'")
    else:
        sql("ROLLBACK")
    assert others_read() == {OLD}


def test_an_old_snapshot_that_nobody_saw_begin_fills_nothing() -> None:
    def read_with_an_old_snapshot() -> None:
        sql(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
            "START TRANSACTION WITH CONSISTENT SNAPSHOT"
        )
        begun()
        by_query()
        by_record()

    begun = Stop()
    reader = Elsewhere(read_with_an_old_snapshot)
    begun.wait()
    rename()
    begun.go.set()
    reader.join()
    assert others_read() == {NEW}


# --- ended unseen


@pytest.mark.parametrize(
    "end",
    [
        "CREATE TABLE other_table (id INT)",
        "ALTER TABLE tag_that_is_not_there ADD COLUMN a INT",  # commits, and then fails
        "LOCK TABLES star WRITE, comet WRITE",
        "SET autocommit = 1",
        "GRANT SELECT ON *.* TO somebody_else@localhost",
        "COMMIT; SELECT 1",
    ],
)
@pytest.mark.parametrize("begin", ["BEGIN", "SET autocommit = 0"])
def test_what_commits_by_itself_ends_a_transaction(begin: str, end: str) -> None:
    sql("CREATE USER IF NOT EXISTS somebody_else@localhost")
    sql(begin)
    sql(RENAME)
    assert others_read() == {OLD}
    with contextlib.suppress(DatabaseError):
        sql(end)
    ended = (begin, end) != ("BEGIN", "SET autocommit = 1")  # where it was 1 already
    sql("UNLOCK TABLES")
    assert others_read() == {NEW if ended else OLD}
    assert own().by_hand == (not ended)
    sql("COMMIT")
    assert others_read() == {NEW}
    sql("SET autocommit = 1")
    sql("DROP USER somebody_else@localhost")
    sql("DROP TABLE IF EXISTS other_table")


def test_a_write_after_a_deadlock_is_a_write_by_itself() -> None:
    """The server has rolled the transaction back, and told nobody but by the error."""
    ours, theirs = Stop(), Stop()

    def other() -> None:
        with transaction.atomic():
            # It has changed more rows, so that ours is the one that is given up.
            Comet.objects.update(radius=1)
            Star.objects.exclude(pk=3).update(mass=1)
            theirs()
            Star.objects.filter(pk=3).update(mass=1)
            ours()
            transaction.set_rollback(True)

    rival = Elsewhere(other)
    theirs.wait()
    sql("BEGIN")
    sql("UPDATE star SET mass = 2 WHERE id = 3")
    theirs.go.set()
    with pytest.raises(OperationalError, match="Deadlock"):
        sql("UPDATE star SET mass = 2 WHERE id = 4")
    ours.go.set()
    rival.join()
    assert not own().by_hand
    assert others_read() == {OLD}
    sql(RENAME)
    assert others_read() == {NEW}


# --- asking


def test_results_that_are_unread_are_not_thrown_away(redis: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CALL teller()")
        results = [cursor.fetchall()]
        assert own().session.unsure
        while cursor.nextset():
            results.append(cursor.fetchall())
    assert [rows[0][0] for rows in results if rows] == [1, 2, 3]
    assert not own().session.unsure
    assert not own().pending
    assert redis.get(keys.database_gate("default")) is None  # no writer holds it


def test_a_cursor_that_is_never_closed_is_made_up_for_by_the_next_statement() -> None:
    cursor = connection.cursor()
    cursor.execute("CALL teller()")
    assert own().session.unsure
    sql("SET @x = 1")
    assert not own().session.unsure
    cursor.close()


def test_a_connection_that_closes_is_asked_before(redis: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CALL teller()")
    connection.close()
    assert redis.get(keys.database_gate("default")) is None


def test_a_connection_that_is_lost_in_doubt_keeps_its_gates_closed(redis: Any) -> None:
    def lose() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            (number,) = cursor.fetchone()
            cursor.execute("CALL teller()")
            elsewhere(lambda: sql(f"KILL {number}"))

    elsewhere(lose)
    assert redis.get(keys.database_gate("default")).startswith("w:")


def test_a_plain_statement_asks_the_database_nothing_more() -> None:
    before = questions()
    rename()
    rename(OLD)
    assert questions() - before == 2 + 1  # and the question itself
    sql("SET time_zone = DEFAULT")  # from here on it is private
    before = questions()
    rename()
    assert questions() - before == 2 + 1


def questions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


def test_after_a_procedure_writes_go_on_by_themselves(events: list[Fetch]) -> None:
    sql("CALL teller()")
    rename()
    assert others_read() == {NEW}
    assert not own().pending
    by_query()
    assert events[-1].reason == "CALL may have changed what its connection sees"


# --- wrappers of somebody's own


def audited(statements: list[str]) -> Callable[..., Any]:
    """An execute_wrapper that runs statements of its own before and after each write."""
    busy: list[bool] = []

    def wrap(execute: Callable[..., Any], query: str, *rest: Any) -> Any:
        if busy or not query.startswith("UPDATE"):
            return execute(query, *rest)
        busy.append(True)
        for statement in statements:
            sql(statement)
        stop()
        found = execute(query, *rest)
        for statement in statements:
            sql(statement)
        busy.pop()
        return found

    stop = wrap.stop = Stop()
    return wrap


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "SET @who = 'somebody'",
        "INSERT INTO zoo_tag (word) VALUES ('audit')",
        "SET @x = 1; SET @y = 2",
        "CALL teller()",
        "COMMIT",
        "BEGIN",
    ],
)
def test_a_statement_within_a_write_does_not_open_its_gates(statement: str) -> None:
    wrap = audited([statement])

    def write() -> None:
        with connections["default"].execute_wrapper(wrap):
            rename()
        connections["default"].commit()

    writer = Elsewhere(write)
    wrap.stop.wait()
    assert others_read() == {OLD}  # and whoever reads now must not fill for ever
    wrap.stop.go.set()
    writer.join()
    assert others_read() == {NEW}
    assert Tag.objects.cached().count() == Tag.objects.count()
