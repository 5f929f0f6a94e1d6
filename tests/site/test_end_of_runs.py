"""`python -m tests` that is told to end leaves no process behind: no pytest, no server."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.children import Children, Ended
from tests.support.processes import alive
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
# Of pytest: once its servers run, it says so and waits for nothing.
WAITING = """
import os, signal

def pytest_collection():
    with open(os.environ["READY"], "w") as ready:
        ready.write(str(os.getpid()))
    while True:
        signal.pause()
"""


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from descendants(child)


@contextmanager
def watched(pids: list[int]) -> Iterator[dict[int, int]]:
    """By their pids what to wait at for the end of each: no other process can have its place."""
    found = {}
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                found[pid] = os.pidfd_open(pid)
        yield found
    finally:
        for file in found.values():
            os.close(file)


def left(found: dict[int, int]) -> list[str]:
    """What of them has not ended in time."""
    names = []
    for pid, file in found.items():
        if not select.select([file], [], [], PATIENCE)[0]:
            names.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
            os.kill(pid, signal.SIGKILL)
    return names


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_suite_that_is_told_to_end_leaves_nobody(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "waits_for_nothing.py").write_text(WAITING)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    given = ("TEST_DB_HOST", "TEST_REDIS_URL", "TEST_SERVERS_ARE_UP")
    usual = {name: value for name, value in os.environ.items() if name not in given}
    suite = subprocess.Popen(
        [sys.executable, "-m", "tests", "-p", "waits_for_nothing"],
        cwd=ROOT,
        env={
            **usual,
            "TEST_RUNS": "SQLite",
            "READY": str(ready),
            "TEST_LOGS": str(tmp_path / "logs"),
            "PYTHONPATH": str(tmp_path),
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:1"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_as_in_a_terminal,
    )
    impatience = threading.Timer(2 * PATIENCE, suite.kill)
    impatience.start()
    try:
        pytest_pid = int(ready.read_text())  # waits for it
        with watched([*descendants(suite.pid)]) as found:
            assert pytest_pid in found
            assert len(found) >= 4, "pytest, Redis, SQLite's folder, their watchdogs"
            suite.send_signal(how)
            output, _ = suite.communicate()
            assert left(found) == [], output
    finally:
        impatience.cancel()
        suite.kill()
    assert suite.returncode == 128 + how
    assert "Traceback" not in output, output


def _as_in_a_terminal() -> None:
    """Whatever this run was started by may ignore these."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, file=open(sys.argv[1], "w"), flush=True)
signal.pause()
"""


def test_who_does_not_listen_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    children, ends = Children(patience=0.1), list[BaseException]()

    def run() -> None:
        try:
            children.run([sys.executable, "-c", STUBBORN, str(ready)])
        except Ended as error:
            ends.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    grandchild = int(ready.read_text())
    (child,) = [process.pid for process in children._running]
    with watched([child, grandchild]) as found:
        children.end()
        assert left(found) == []
    thread.join(PATIENCE)
    assert len(ends) == 1
    assert not alive(child)
    with pytest.raises(Ended):
        children.run(["true"])


def test_a_child_that_ends_by_itself_is_told_as_ever() -> None:
    with Children() as children:
        done = children.run(["sh", "-c", "echo here; exit 3"], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (3, "here\n")
