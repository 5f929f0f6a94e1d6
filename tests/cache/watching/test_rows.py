"""Which records go with a row: whatever their keys are called, and however large they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from planets.cache.storage import keys
from tests.support.primary import Primary
from tests.support.waiting import wait_until
from tests.support.watched import caught_up, watching

pytestmark = pytest.mark.mysql

Outside = Callable[..., None]
COLUMNS = (
    "before_it VARCHAR(300) CHARACTER SET latin1, {key}, flag BIT(3), price DECIMAL(20, 5), "
    "at DATETIME(3), kind ENUM('a', 'b'), doc JSON, picture BLOB, dot POINT"
)
VALUES = "'\xe4', {pk}, b'101', 1.5, NOW(), 'b', '[1]', x'ff00', POINT(1, 2)"


@pytest.fixture
def giants(monkeypatch: pytest.MonkeyPatch) -> str:
    """A table whose rows have records by a column that is neither first nor in lower case."""
    monkeypatch.setitem(keys.RECORDS, "giant", keys.RecordKeys("giant", "nr"))
    return "giant"


@pytest.fixture
def made(watched: Primary, outside: Outside) -> Iterator[Callable[..., None]]:
    def make(key: str, pk: str, *, metadata: str = "") -> None:
        if metadata:
            outside(f"SET GLOBAL binlog_row_metadata = {metadata}")
        outside(
            "DROP TABLE IF EXISTS giant",
            f"CREATE TABLE giant ({COLUMNS.format(key=key)})",
            f"INSERT INTO giant VALUES ({VALUES.format(pk=pk)})",
        )

    yield make
    outside("DROP TABLE IF EXISTS giant")


@pytest.mark.parametrize("metadata", ["FULL", "MINIMAL"])
@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
@pytest.mark.parametrize(
    ("key", "pk", "record"),
    [
        ("Nr INT PRIMARY KEY", "7", "7"),
        ("Nr TINYINT UNSIGNED PRIMARY KEY", "255", "255"),
        ("Nr SMALLINT UNSIGNED PRIMARY KEY", "65535", "65535"),
        ("Nr MEDIUMINT UNSIGNED PRIMARY KEY", "16777215", "16777215"),
        ("Nr INT UNSIGNED PRIMARY KEY", "4294967295", "4294967295"),
        ("Nr BIGINT UNSIGNED PRIMARY KEY", str(2**64 - 1), str(2**64 - 1)),
        ("Nr BIGINT PRIMARY KEY", "-9", "-9"),
        ("Nr INT, other INT DEFAULT 1, PRIMARY KEY (other, Nr)", "8, 1", "8"),
    ],
)
def test_the_record_of_a_row(
    watched: Primary, outside: Outside, made: Any, giants: str, redis: Any,
    key: str, pk: str, record: str, image: str, metadata: str,
) -> None:  # fmt: skip
    made(key, pk, metadata=metadata)
    with watching() as found:
        redis.hset(f"giant:{record}", "name", "old")
        redis.hset("giant:3", "name", "of another row")
        outside(f"SET SESSION binlog_row_image = {image}", "UPDATE giant SET price = 2")
        wait_until(lambda: not redis.exists(f"giant:{record}"))
        wait_until(lambda: caught_up(found, watched))
        assert redis.exists("giant:3")


def test_a_row_whose_key_changes_is_two(
    watched: Primary, outside: Outside, made: Any, giants: str, redis: Any
) -> None:
    made("Nr INT PRIMARY KEY", "7")
    with watching():
        for pk in (7, 9):
            redis.hset(f"giant:{pk}", "name", "old")
        outside("UPDATE giant SET Nr = 9")
        wait_until(lambda: not redis.exists("giant:7") and not redis.exists("giant:9"))


def test_a_long_transaction_goes_by_one_gate(watched: Primary, outside: Outside) -> None:
    with watching() as found:
        outside(
            "INSERT INTO star (id, name) WITH RECURSIVE n AS (SELECT 100 i UNION ALL "
            "SELECT i + 1 FROM n WHERE i < 1000) SELECT i, 'x' FROM n"
        )
        wait_until(lambda: caught_up(found, watched))
        before = found.watcher.state.invalidations
        outside("UPDATE star SET name = 'y'")
        wait_until(lambda: found.watcher.state.invalidations > before)
        assert found.watcher.state.invalidations == before + 2  # of the table, and of its records


def test_a_table_of_another_database_is_left_alone(watched: Primary, outside: Outside) -> None:
    outside("CREATE DATABASE IF NOT EXISTS elsewhere", "CREATE TABLE elsewhere.star (id INT)")
    try:
        with watching() as found:
            before = found.watcher.state.invalidations
            outside("INSERT INTO elsewhere.star VALUES (3)")
            wait_until(lambda: found.watcher.state.transactions)
            wait_until(lambda: caught_up(found, watched))
            assert found.watcher.state.invalidations == before
    finally:
        outside("DROP DATABASE elsewhere")


@pytest.fixture
def compressed(watched: Primary, outside: Outside) -> Iterator[None]:
    if watched.flavor == "mariadb":
        on, off = "GLOBAL log_bin_compress = ON", "GLOBAL log_bin_compress = OFF"
        outside("SET GLOBAL log_bin_compress_min_len = 10")
    else:
        on = "SESSION binlog_transaction_compression = ON"
        off = "SESSION binlog_transaction_compression = OFF"
    outside(f"SET {on}")
    yield
    outside(f"SET {off}")


@pytest.mark.parametrize("log_format", ["ROW", "STATEMENT"])
def test_compressed_events(
    watched: Primary, outside: Outside, compressed: None, log_format: str,
    redis: Any, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    long = "x" * 400
    outside(f"SET SESSION binlog_format = {log_format}")
    with watching() as found:
        before = found.watcher.state.everything
        gate = keys.gate("default", "star")
        redis.set(gate, "o:0123456789abcdef")
        outside(f"UPDATE star SET name = 'Taygeta', description = '{long}'")
        wait_until(lambda: not redis.exists(gate))
        assert found.watcher.state.everything == before
    assert not [r for r in caplog.records if "Not understood" in r.message]


def test_what_is_not_understood_makes_everything_stale_and_is_told_once(
    watched: Primary, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    with watching() as found:
        before = found.watcher.state.everything
        for _ in range(2):
            outside("OPTIMIZE TABLE star")
        wait_until(lambda: found.watcher.state.everything >= before + 1)
        wait_until(lambda: caught_up(found, watched))
    assert len([r for r in caplog.records if "Not understood" in r.message]) == 1
