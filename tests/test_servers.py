"""The throwaway servers go when their process does, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .servers import NotInstalled, Redis, find_binary

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word for it is Linux's")
def test_a_killed_run_leaves_no_server_behind() -> None:
    code = (
        "import time; from tests.servers import MariaDB, Redis; "
        "servers = [Redis(), MariaDB()]; "
        "print(*(s.process.pid for s in servers), *(s.directory for s in servers), flush=True); "
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        redis, mariadb, *folders = run.stdout.readline().split()
        assert alive(int(redis))
        assert alive(int(mariadb))
        run.kill()
    give_up = time.monotonic() + 20
    while alive(int(redis)) or alive(int(mariadb)):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    for folder in folders:
        subprocess.run(["rm", "-r", folder], check=True)


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


def pytest_on(redis_url: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "TEST_SERVERS_ARE_UP"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_fetch.py", "-k", "tutorial_uses"],
        cwd=ROOT,
        env={**environment, "TEST_DATABASE": "sqlite", "TEST_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
    )


def test_a_given_redis_is_used_where_it_is_empty_and_left_alone_where_it_is_not() -> None:
    with Redis() as given, given.client() as client:
        assert pytest_on(given.url).returncode == 0
        assert client.info()["total_commands_processed"] > 10
        client.flushdb()  # what creating the test database has left there
        client.set("somebody's", "own")
        refused = pytest_on(given.url)
        assert refused.returncode != 0
        assert "TEST_REDIS_URL names a database that is not empty" in (
            refused.stdout + refused.stderr
        )
        assert client.keys() == [b"somebody's"]
