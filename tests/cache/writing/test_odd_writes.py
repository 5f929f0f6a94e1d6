"""Ways to write, and moments to write at, that a cache is easily blind to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction

from planets.cache import Records, fetch
from planets.cache.events import Fetch
from planets.cache.storage import keys
from planets.cache.storage.client import Command, Reply, client
from planets.cache.storage.debt import debt
from tests.cache.zoo.electra import NEW, OLD, by_query, by_record, rename
from tests.cache.zoo.models import Bird, Comet, Star
from tests.support.interleave import Stop, committed, elsewhere
from tests.support.servers import Redis
from tests.support.sql import sql
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sky", "redis"),
]


def other_connections_read() -> set[str]:
    return {elsewhere(by_query), elsewhere(by_record)}


@pytest.fixture
def cached(sky: None, redis: Any) -> None:
    assert other_connections_read() == {OLD}


def in_a_thread(write: Callable[[], Any]) -> None:
    """On a connection of its own, which is closed afterwards."""
    elsewhere(write)


# --- statements


@pytest.mark.usefixtures("cached")
def test_a_cte_that_hides_a_table_hides_no_write_to_it() -> None:
    statement = "WITH star AS (SELECT * FROM star WHERE id = 3) SELECT name FROM star"
    assert fetch(statement) == [{"name": OLD}]
    rename()
    assert fetch(statement) == [{"name": NEW}]


@pytest.mark.usefixtures("cached")
def test_a_row_changed_by_a_join_of_its_table_with_itself() -> None:
    sql("UPDATE star a JOIN star b SET a.name = 'Taygeta' WHERE a.position = 3 AND b.id = 4")
    assert other_connections_read() == {NEW}


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize(
    "statement",
    [
        "SET @x = 1; UPDATE star SET name = 'Taygeta' WHERE id = 3",
        "UPDATE comet /*!, star */ SET star.name = 'Taygeta' WHERE star.id = 3",
        "BEGIN; UPDATE star SET name = 'Taygeta' WHERE id = 3; COMMIT",
    ],
)
def test_a_write_behind_another_first_word(statement: str) -> None:
    in_a_thread(lambda: sql(statement))
    assert other_connections_read() == {NEW}


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize(
    ("server", "statement"),
    [
        (
            "MariaDB",
            "SET STATEMENT max_statement_time=9 FOR UPDATE star SET name = 'Taygeta' WHERE id = 3",
        ),
        ("MariaDB", "ANALYZE UPDATE star SET name = 'Taygeta' WHERE id = 3"),
        ("MariaDB", "BEGIN NOT ATOMIC UPDATE star SET name = 'Taygeta' WHERE id = 3; END"),
        ("MySQL", "WITH one AS (SELECT 1) UPDATE star SET name = 'Taygeta' WHERE id = 3"),
        ("MySQL", "EXPLAIN ANALYZE SELECT 1; UPDATE star SET name = 'Taygeta' WHERE id = 3"),
    ],
)
def test_a_write_behind_a_word_of_one_server(server: str, statement: str) -> None:
    if connection.mysql_is_mariadb is not (server == "MariaDB"):
        pytest.skip(f"it is about {server}")
    in_a_thread(lambda: sql(statement))
    assert other_connections_read() == {NEW}


def test_rows_that_come_from_an_iterator_are_written_and_seen() -> None:
    assert by_record() == OLD
    with connection.cursor() as cursor:
        rows: Any = ([name, pk] for name, pk in [(NEW, 3), ("Alcor", 4)])
        cursor.executemany("UPDATE star SET name = %s WHERE id = %s", rows)
    assert Star.objects.get(pk=3).name == NEW
    assert by_record() == NEW


@pytest.fixture
def trigger(sky: None) -> Iterator[None]:
    """Writes star 3 where a comet is written."""
    sql(
        "CREATE TRIGGER rename_electra AFTER UPDATE ON comet FOR EACH ROW "
        "UPDATE star SET name = 'Taygeta' WHERE id = 3"
    )
    yield
    sql("DROP TRIGGER rename_electra")


@pytest.mark.usefixtures("trigger", "cached")
def test_records_that_a_trigger_writes_are_reached_where_also_names_them(settings: Any) -> None:
    settings.CACHE_ASIDE = {"ALSO": {"Comet": ["Star"]}}
    Comet.objects.filter(star_id=3).update(radius=1)
    assert other_connections_read() == {NEW}


def test_a_record_of_two_tables_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"zoo\.Bird has columns in the table of zoo"):
        Records(Bird)


# --- transactions that Django does not know of


@pytest.mark.usefixtures("cached")
def test_autocommit_switched_off_in_sql() -> None:
    for end in ("COMMIT", "SET autocommit = 1", "BEGIN"):
        rename(OLD)
        assert other_connections_read() == {OLD}
        sql("SET autocommit = 0")
        rename()
        assert other_connections_read() == {OLD}
        sql(end)
        assert other_connections_read() == {NEW}, end
        sql("COMMIT")
        sql("SET autocommit = 1")


@pytest.mark.usefixtures("cached")
def test_a_transaction_begun_in_a_string_of_several_statements() -> None:
    sql("BEGIN; UPDATE star SET name = 'Taygeta' WHERE id = 3")
    assert other_connections_read() == {OLD}
    sql("COMMIT")
    assert other_connections_read() == {NEW}


@pytest.mark.usefixtures("cached")
def test_a_transaction_that_goes_on_after_its_commit() -> None:
    sql("BEGIN")
    rename("between")
    sql("COMMIT AND CHAIN")
    assert other_connections_read() == {"between"}
    rename()
    assert other_connections_read() == {"between"}
    sql("COMMIT")
    assert other_connections_read() == {NEW}


def test_a_temporary_table_is_seen_by_its_own_connection_alone(events: list[Fetch]) -> None:
    def hide() -> list[str]:
        sql("CREATE TEMPORARY TABLE star AS SELECT * FROM star")
        sql("UPDATE star SET name = 'hidden' WHERE id = 3")
        return [by_query(), by_record()]

    assert elsewhere(hide) == ["hidden", "hidden"]
    assert {event.reason for event in events} == {
        "its connection uses another database, or has temporary tables"
    }
    assert other_connections_read() == {OLD}


# --- the connection's own life


@pytest.mark.usefixtures("cached")
def test_a_connection_opened_inside_of_an_execute_wrapper_is_watched_after_it() -> None:
    def run() -> None:
        fresh = connections["default"]
        with fresh.execute_wrapper(lambda execute, *args: execute(*args)):
            Star.objects.count()
        rename()

    in_a_thread(run)
    assert other_connections_read() == {NEW}


@pytest.mark.usefixtures("cached")
def test_django_s_own_set_on_a_reconnect_is_no_level_set_by_hand(events: list[Fetch]) -> None:
    def run() -> None:
        Star.objects.count()
        connection.close()
        with transaction.atomic():
            by_query()

    in_a_thread(run)
    assert events[-1].outcome == "hit"


def test_a_long_import_does_not_tell_redis_of_each_row(round_trips: list[list[str]]) -> None:
    with transaction.atomic():
        for number in range(300):
            Star.objects.filter(pk=number % 250).update(mass=number)
    assert max(map(len, round_trips)) < 110
    assert len(round_trips) < 110


# --- what is owed


def test_what_is_owed_twice_is_paid_twice(own: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that owes while the debt of one before it is on its way."""
    exchange, stop = client._exchange, Stop()
    paid: list[Command] = []

    def slow(commands: Sequence[Command]) -> list[Reply]:
        replies = exchange(commands)
        if threading.current_thread().name == "cache-aside-recovery":
            paid.extend(commands[1:])
            if len(commands) > 1 and not stop.reached.is_set():
                stop()
        return replies

    # Before the outage, or an attempt that began without it could land when Redis is back.
    monkeypatch.setattr(client, "_exchange", slow)
    own.stop()
    rename("between")
    own.start()
    stop.wait()
    rename()
    owed = set(debt.owed()) - set(paid)
    assert owed
    stop.go.set()
    wait_until(lambda: not client.away)
    assert owed <= set(paid)
    assert by_query() == NEW


def test_what_is_owed_opens_no_gate_that_another_writer_holds(own: Redis) -> None:
    with committed(lambda: Star.objects.filter(pk=4).update(mass=1)):
        own.pause()
        in_a_thread(rename)
        assert client.debt
        own.resume()
        wait_until(lambda: not client.away)
        with own.client() as direct:
            assert direct.get(keys.gate("default", "star")).startswith(b"w:")
    with own.client() as direct:
        assert not direct.exists(keys.gate("default", "star"))
