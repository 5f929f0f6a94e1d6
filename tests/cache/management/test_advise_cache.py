"""manage.py advise_cache, as it is called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from planets.cache.instruments.account.ledger import Ledger
from planets.cache.instruments.account.line import Line
from planets.cache.instruments.account.listener import Listener
from planets.cache.lab import server_digests
from tests.cache.zoo.models import Comet, Star
from tests.support.servers import MariaDB

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]

# As MariaDB writes it; the values are made up.
SLOW_LOG = """\
/usr/sbin/mariadbd, Version: 10.11.6-MariaDB. started with:
Tcp port: 0  Unix socket: /tmp/db.sock
Time		    Id Command	Argument
# Time: 250301 12:00:00
# User@Host: root[root] @ localhost []
# Thread_id: 5  Schema: sky  QC_hit: No
# Query_time: 0.012000  Lock_time: 0.000100  Rows_sent: 3  Rows_examined: 100000
# Rows_affected: 0  Bytes_sent: 90
use sky;
SET timestamp=1740830400;
SELECT id, name
  FROM star WHERE kind = 'secret' LIMIT 21;
# User@Host: root[root] @ localhost []
# Query_time: 0.000200  Lock_time: 0.000100  Rows_sent: 0  Rows_examined: 1
SET timestamp=1740830401;
UPDATE star SET name = 'secret' WHERE id = 3;
# User@Host: root[root] @ localhost []
# Query_time: 0.000010  Lock_time: 0.000000  Rows_sent: 0  Rows_examined: 0
SET timestamp=1740830401;
COMMIT;
"""


def pages(listener: Listener) -> None:
    for _ in range(30):
        list(Star.objects.cached().filter(name__contains="a"))
        Comet.objects.filter(name__contains="a").count()
    assert listener.tell()


def test_it_prints_what_it_advises(
    listener: Listener, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planets.cache.lab.evidence.HIT", 0.01)
    pages(listener)

    call_command("advise_cache")

    first, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Statements heard of in .+: 2 to read, 0 to write\.", first)


def test_json_is_for_programs(listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    pages(listener)

    call_command("advise_cache", "--format=json", "--since=1")

    found = json.loads(capsys.readouterr().out)
    assert found["statements"] == 2
    (hour,) = found["time"]
    assert hour["saved"] > 0
    for advice in found["advice"]:
        assert {"kind", "sentence", "saves", "arithmetic", "sites", "statement"} <= advice.keys()


def test_without_an_account_it_says_how_to_have_one(redis: Any) -> None:
    with pytest.raises(CommandError, match=r"set CACHE_ASIDE\[\"ADVICE\"\] = True"):
        call_command("advise_cache")


def test_without_redis_it_says_so(no_redis: None) -> None:
    with pytest.raises(CommandError, match="Redis is away"):
        call_command("advise_cache")


@pytest.mark.parametrize(
    ("option", "rule"),
    [("--since=0", "1 to 24"), ("--since=25", "1 to 24"), ("--limit=0", "1 or more")],
)
def test_a_wrong_number_is_told_with_its_rule(option: str, rule: str) -> None:
    with pytest.raises(CommandError, match=rule):
        call_command("advise_cache", option)


# --- the slow log


def test_a_slow_log_is_an_account(
    redis: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, _, entry = SLOW_LOG.partition("# Time: 250301 12:00:00\n")
    log = tmp_path / "slow.log"
    log.write_text(head + entry * 30)

    call_command("advise_cache", f"--log={log}")

    out = capsys.readouterr().out
    assert ": 1 to read, 1 to write." in out
    assert "an index would do more: it reads 100,000 rows for 3" in out
    assert "secret" not in out


@pytest.mark.parametrize("text", ["", "no log at all\n", "# Query_time: x\nSELECT 1;\n"])
def test_what_is_no_slow_log_is_told(tmp_path: Path, text: str) -> None:
    log = tmp_path / "slow.log"
    log.write_text(text)
    with pytest.raises(CommandError, match="no statement of a slow log"):
        call_command("advise_cache", f"--log={log}")


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--log cannot be read"):
        call_command("advise_cache", f"--log={tmp_path / 'none'}")


# --- performance_schema


@pytest.fixture(scope="module")
def counting() -> Iterator[MariaDB]:
    """A server that counts what it reads."""
    with MariaDB("--performance-schema=ON") as server:
        yield server


@pytest.mark.mysql
def test_what_the_server_counts_belongs_to_our_lines(listener: Listener, counting: MariaDB) -> None:
    stars = Star.objects.filter(name="Mira", pk__in=[1, 2]).order_by("pk")
    list(stars)
    connection = connections["default"].copy()
    connection.settings_dict = {
        **connection.settings_dict, "HOST": counting.socket, "NAME": "mysql",
    }  # fmt: skip
    connection.alias = "counting"
    connections["counting"] = connection
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE sky")
            cursor.execute("USE sky")
            with connections["default"].cursor() as other:
                other.execute("SHOW CREATE TABLE star")
                cursor.execute(other.fetchone()[1])
            cursor.executemany(
                "INSERT INTO star (id, name) VALUES (%s, %s)", list(enumerate(["Mira"] * 3, 1))
            )
            sql, params = stars.query.sql_with_params()
            for _ in range(2):
                cursor.execute(sql, params)
                cursor.fetchall()

        (digest,) = listener.heard.of("read")
        scan = server_digests.scans(listener.heard, "counting")[digest]
    finally:
        connection.close()
        del connections["counting"]
    assert (scan.calls, scan.sent) == (2, 4)
    assert scan.examined >= 4
    assert 0 < scan.seconds < 60


def test_a_server_that_does_not_count_is_told(listener: Listener) -> None:
    """The one of these tests does not; SQLite never does."""
    pages(listener)
    with pytest.raises(CommandError, match="performance_schema"):
        call_command("advise_cache", "--performance-schema")


def test_a_text_that_the_server_has_cut_off_belongs_to_one_line_or_none() -> None:
    texts = {"a": "SELECT `x` FROM `y` WHERE `z` = ?", "b": "SELECT `x` FROM `y` WHERE `w` = ?"}
    ledger = Ledger(lines={name: Line("sql", text, ("y",)) for name, text in texts.items()})

    def of(text: str) -> set[str]:
        return set(server_digests.matched(ledger, [(text, 1, 2, 3, 4)]))

    assert of("SELECT `x` FROM `y` WHERE `z` = ? ") == {"a"}
    assert of("SELECT `x` FROM `y` WHERE `z...") == {"a"}
    assert of("SELECT `x` FROM ...") == set()
    assert of("SELECT ?") == set()
