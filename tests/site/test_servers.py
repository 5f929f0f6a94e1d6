"""The throwaway servers go when their process does, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import alive
from tests.support.servers import MariaDB, NotInstalled, Redis, find_binary

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("TEST_DB_HOST", "TEST_DB_PORT", "TEST_DB_USER", "TEST_DB_PASS", "TEST_DB_NAME",
         "TEST_REDIS_URL")  # fmt: skip
A_TEST_OF_BOTH = ("tests/cache/test_fetch.py", "-k", "tutorial_uses")


@pytest.mark.skipif(sys.platform != "linux", reason="it reads Linux's /proc")
def test_a_killed_run_leaves_no_server_and_no_file_behind() -> None:
    code = (
        "import os, time; from tests.support.servers import MariaDB, Redis; "
        "servers = [Redis(), MariaDB()]; "
        "child = os.fork() or time.sleep(60); "  # it outlives the run, and is no reason to stay
        "print(child, *(s.process.pid for s in servers), *(s.directory for s in servers),"
        " flush=True); "
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        child, redis, mariadb, *folders = run.stdout.readline().split()
        assert alive(int(redis))
        assert alive(int(mariadb))
        run.kill()
    give_up = time.monotonic() + 20
    while alive(int(redis)) or alive(int(mariadb)) or any(Path(f).exists() for f in folders):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    os.kill(int(child), signal.SIGKILL)  # it was alive all the while


def test_a_server_is_gone_when_it_is_left() -> None:
    with Redis() as server:
        assert server.process
        pid, folder = server.process.pid, server.directory
        with server.client() as client:
            assert client.ping()
    assert not alive(pid)
    assert not folder.exists()


def test_a_server_can_stop_pause_and_start_again() -> None:
    with Redis(tcp=True) as server:
        assert server.url.startswith("redis://127.0.0.1:")
        server.pause()
        server.resume()
        server.restart(signal.SIGKILL)
        with server.client() as client:
            assert client.ping()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotInstalled, match="none of no-such-server, nor-this is installed"):
        find_binary("no-such-server", "nor-this")


def test_removing_twice_is_removing_once() -> None:
    server = Redis()
    server.remove()
    server.remove()
    assert not server.directory.exists()


def pytest_on(database: str, **given: str) -> subprocess.CompletedProcess[str]:
    ours = ("TEST_SERVERS_ARE_UP", "DB_HOST", "REDIS_URL", *GIVEN)
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *A_TEST_OF_BOTH],
        cwd=ROOT,
        env={**environment, "TEST_DATABASE": database, **given},
        capture_output=True,
        text=True,
    )


def test_a_given_redis_is_used_where_it_is_empty_and_left_alone_where_it_is_not() -> None:
    with Redis() as given, given.client() as client:
        used = pytest_on("sqlite", TEST_REDIS_URL=given.url)
        assert used.returncode == 0, used.stdout + used.stderr
        assert client.info()["total_commands_processed"] > 10
        assert client.dbsize() == 0
        client.set("somebody's", "own")
        refused = pytest_on("sqlite", TEST_REDIS_URL=given.url)
        assert refused.returncode == pytest.ExitCode.USAGE_ERROR
        assert "names a database that is not empty (1 keys)" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert client.keys() == [b"somebody's"]


@pytest.mark.mysql
def test_a_given_database_is_used_where_it_is_empty_and_left_alone_where_it_is_not() -> None:
    import MySQLdb

    with MariaDB() as given:
        connection = MySQLdb.connect(unix_socket=given.socket, user=given.user, autocommit=True)
        cursor = connection.cursor()
        # Django's own name for a test database, were `planets` the name of the real one.
        cursor.execute("CREATE DATABASE test_planets")
        cursor.execute("CREATE TABLE test_planets.precious (id INT)")
        at = {"TEST_DB_HOST": given.socket, "TEST_DB_USER": given.user, "TEST_DB_PASS": ""}

        used = pytest_on("mysql", **at, TEST_DB_NAME="planets")
        assert used.returncode == 0, used.stdout + used.stderr
        refused = pytest_on("mysql", **at, TEST_DB_NAME="test_planets")
        assert refused.returncode == pytest.ExitCode.USAGE_ERROR
        assert "TEST_DB_NAME='test_planets' has 1 tables" in refused.stderr
        assert "Traceback" not in refused.stderr

        cursor.execute("SELECT COUNT(*) FROM test_planets.precious")
        assert cursor.fetchall() == ((0,),)
        connection.close()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"TEST_DB_HOST": "db.example"}, "set TEST_DB_USER and TEST_DB_NAME too"),
        ({"TEST_REDIS_URL": "redis://127.0.0.1:1/0"}, "'redis://127.0.0.1:1/0' cannot be used"),
        ({"TEST_REDIS_URL": "localhost"}, "TEST_REDIS_URL='localhost' cannot be used"),
    ],
)
@pytest.mark.mysql
def test_a_server_that_cannot_be_used_is_named_in_one_line(
    given: dict[str, str], complaint: str
) -> None:
    refused = pytest_on("mysql", **given)
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr


def test_no_test_empties_a_whole_server() -> None:
    """FLUSHALL would reach past the one database of a given Redis; FLUSHDB does not.

    The hunt and the faults may: their Redis is their own.
    """
    command = ".flush" + "all("
    theirs = {"hunt", "faults"}
    ours = [path for path in (ROOT / "tests").rglob("*.py") if theirs.isdisjoint(path.parts)]
    assert [path.name for path in ours if command in path.read_text()] == []
