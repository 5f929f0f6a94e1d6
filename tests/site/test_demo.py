"""`make demo`, without the make: starts, answers, says no clearly, ends and leaves nothing."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo import copied, end, start, until
from tests.support.processes import alive
from tests.support.servers import free_port

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the site, so that a demo of the developer's own goes on."""
    return copied(tmp_path_factory.mktemp("checkout"))


Demo = tuple[subprocess.Popen[str], int, str]


@pytest.fixture
def demo(checkout: Path) -> Iterator[Demo]:
    port = free_port()
    with start(checkout, port) as process:
        yield process, port, until(process, "Quit the server")
        process.kill()


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
        return str(response.read().decode())


def redis_of(checkout: Path) -> int:
    return int(re.findall(r"^(\d+):", (checkout / ".demo" / "redis.log").read_text(), re.M)[-1])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_and_leaves_nothing_running(
    checkout: Path, demo: Demo, how: int
) -> None:
    process, port, said = demo
    assert f"http://127.0.0.1:{port}/" in said
    assert "Saturn" in get(port, "/")
    assert "Phobos" in get(port, "/planets/4/")
    assert "djDebug" in get(port, "/moons/")
    assert "/static/" in get(port, "/admin/login/")
    redis = redis_of(checkout)
    assert alive(redis)
    process.send_signal(how)
    assert "The demo has ended" in until(process, "The demo has ended")
    assert process.wait(20) == 0
    assert not alive(redis)
    assert not (checkout / ".demo" / "redis.sock").exists()


def test_the_password_is_told_once_and_kept_only_as_a_hash(checkout: Path, demo: Demo) -> None:
    end(demo[0])
    shutil.rmtree(checkout / ".demo")
    with start(checkout, free_port()) as first:
        password = re.findall(r"password (\S+) ", until(first, "Quit the server"))[0]
        end(first)
    with start(checkout, free_port()) as again:
        assert "shown this once" not in until(again, "Quit the server")
        end(again)
    for file in (checkout / ".demo").iterdir():
        assert password.encode() not in file.read_bytes()


def test_a_second_start_and_a_taken_port_are_one_line_each(
    checkout: Path, demo: Demo, tmp_path: Path
) -> None:
    _, port, _ = demo
    with start(checkout, free_port()) as second:
        assert second.wait(20) == 1
        assert second.stdout
        assert second.stdout.read().startswith("A demo is running already")
    with start(copied(tmp_path), port) as taken:
        assert taken.wait(20) == 1
        assert taken.stdout
        assert taken.stdout.read().startswith(f"Port {port} is taken: PORT=")


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "8000.5"])
def test_a_port_that_is_none_is_one_line(checkout: Path, port: str) -> None:
    with start(checkout, port) as refused:
        assert refused.wait(20) == 1
        assert refused.stdout
        assert refused.stdout.read() == (
            f"PORT is {port!r}, must be a whole number from 1 to 65535.\n"
        )


def test_a_killed_demo_leaves_no_redis_and_no_lock(checkout: Path, demo: Demo) -> None:
    process, _, _ = demo
    redis = redis_of(checkout)
    process.kill()
    process.wait()
    with start(checkout, free_port()) as again:
        until(again, "Quit the server")
        assert not alive(redis)
        end(again)
