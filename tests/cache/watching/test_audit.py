"""The command: what is missing, and what would have been stale."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from planets.cache.watching.audit import Audit, shape
from planets.cache.watching.needs import missing
from planets.cache.watching.source import Source
from tests.cache.zoo.electra import rename
from tests.cache.zoo.models import Comet, Star
from tests.support.primary import Primary
from tests.support.waiting import PATIENCE, wait_until
from tests.support.watched import NAME, setting, watching

pytestmark = pytest.mark.mysql

Outside = Callable[..., None]
DATABASES = {NAME: "default"}


@pytest.fixture
def marked(watched: Primary, outside: Outside, settings: Any) -> None:
    settings.CACHE_ASIDE = {**setting(), "MARK": True}
    if watched.flavor == "mysql":
        outside("SET GLOBAL binlog_rows_query_log_events = ON")
    connections.close_all()


def audited(write: Callable[[], Any]) -> Audit:
    """What an audit says of this."""
    source = Source("default")
    source.connect()
    audit = Audit(source, DATABASES)
    ready = source.end
    begun = threading.Event()

    def end() -> Any:
        found = ready()
        begun.set()
        return found

    source.end = end  # type: ignore[method-assign]
    thread = threading.Thread(target=audit.run, args=[None])
    thread.start()
    assert begun.wait(PATIENCE)
    write()
    audit.stopping.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    source.close()
    return audit


def of_the_application() -> None:
    rename()
    Star.objects.create(name="new")
    Star.objects.bulk_create([Star(name="a"), Star(name="b")])
    Comet.objects.filter(star_id=3).delete()
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO star (name) VALUES (%s)", [("c",), ("d",)])
        cursor.executemany("UPDATE star SET mass = %s WHERE id = %s", [(1, 3), (2, 4)])


@pytest.mark.usefixtures("marked")
def test_writes_of_the_application_are_known() -> None:
    audit = audited(of_the_application)
    assert audit.as_dict()["outside"] == []
    assert audit.ours == 7  # two UPDATEs of one shape differ in their values


@pytest.mark.usefixtures("marked")
def test_writes_from_outside_are_told(outside: Outside) -> None:
    audit = audited(
        lambda: outside(
            "UPDATE star SET name = 'x' WHERE id = 3", "UPDATE star SET name = 'y' WHERE id = 4"
        )
    )
    [kind] = audit.outside
    assert (kind.table, kind.sql) == ("star", "UPDATE star SET name = ? WHERE id = ?")
    assert audit.outside[kind] == 2
    assert "2 from outside" in next(audit.lines())


@pytest.mark.usefixtures("marked")
def test_the_watcher_counts_the_same(outside: Outside) -> None:
    with watching() as found:
        outside("UPDATE star SET name = 'x' WHERE id = 3")
        rename()
        state = found.watcher.state
        wait_until(lambda: (state.ours, state.outside, state.unknown) == (1, 1, 0))


def test_an_audit_invalidates_nothing(marked: None, outside: Outside, redis: Any) -> None:
    redis.set("gen:watched:star", "o:0123456789abcdef")
    audited(lambda: outside("UPDATE star SET name = 'x' WHERE id = 3"))
    assert redis.exists("gen:watched:star")


def test_the_command_s_exit_status(
    marked: None, outside: Outside, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    run = Audit.run

    def with_a_write(self: Audit, seconds: float | None) -> None:
        timer = threading.Timer(0.3, outside, ["UPDATE star SET name = 'x' WHERE id = 3"])
        timer.start()
        run(self, seconds)
        timer.join()

    call_command("watch_database", audit=True, seconds=0.1, format="json")
    assert json.loads(capsys.readouterr().out) == {"ours": 0, "outside": []}
    monkeypatch.setattr(Audit, "run", with_a_write)
    with pytest.raises(SystemExit) as ended:
        call_command("watch_database", audit=True, seconds=2, format="json")
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["outside"][0]["writes"] == 1


def test_an_audit_without_statements_is_refused(watched: Primary, outside: Outside) -> None:
    name = {"mariadb": "binlog_annotate_row_events", "mysql": "binlog_rows_query_log_events"}
    outside(f"SET GLOBAL {name[watched.flavor]} = OFF")
    with pytest.raises(CommandError, match=f"set {name[watched.flavor]}=ON"):
        call_command("watch_database", audit=True)
    outside(f"SET GLOBAL {name[watched.flavor]} = ON")


def test_check(watched: Primary, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("watch_database", check=True)
    assert capsys.readouterr().out.rstrip().endswith(("It can be watched.", "Nothing is missing."))


@pytest.mark.parametrize(
    ("rights", "lacks"),
    [
        ([], "REPLICATION SLAVE"),
        (["REPLICATION SLAVE ON *.*"], "REPLICATION CLIENT"),
        (["REPLICATION SLAVE, REPLICATION CLIENT ON *.*"], "REFERENCES"),
        (["REPLICATION SLAVE, REPLICATION CLIENT ON *.*", "REFERENCES ON elsewhere.*"], "SELECT"),
    ],
)
def test_what_a_user_lacks_is_named(
    watched: Primary, outside: Outside, settings: Any, rights: list[str], lacks: str
) -> None:
    outside("DROP USER IF EXISTS poor@localhost", "CREATE USER poor@localhost IDENTIFIED BY 'x'")
    for right in rights:
        outside(f"GRANT {right} TO poor@localhost")
    settings.CACHE_ASIDE = {"WATCH": {"USER": "poor", "PASSWORD": "x"}}
    with pytest.raises(CommandError, match=f"GRANT it {lacks}"):
        call_command("watch_database", check=True)


def test_a_database_that_is_left_out_is_named(watched: Primary) -> None:
    source = Source("default")
    source.connect()
    status = source.status()
    source.status = lambda: (*status[:2], "", NAME)  # type: ignore[method-assign]
    assert any(need.fatal and NAME in need.text for need in missing(source, DATABASES))
    source.close()


def test_sqlite_has_nothing_to_watch(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    with pytest.raises(CommandError, match="only MySQL and MariaDB have a binlog"):
        call_command("watch_database")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "UPDATE t SET a = 'it''s', b = 2.5\n WHERE id = 3",
            "UPDATE t SET a = ?, b = ? WHERE id = ?",
        ),
        ("DELETE FROM t1 WHERE id IN (1, 2, 3)", "DELETE FROM t1 WHERE id IN (?, ...)"),
    ],
)
def test_a_statement_without_its_values(sql: str, expected: str) -> None:
    assert shape(sql) == expected
