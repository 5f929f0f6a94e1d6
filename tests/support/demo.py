"""`make demo`, without the make, from a copy of the site."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copied(folder: Path) -> Path:
    for name in ("planets", "planetsite", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def start(checkout: Path, port: int | str) -> subprocess.Popen[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DB_", "TEST_", "DJANGO_", "REDIS_", "PYTHONWARNINGS"))
    }
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "planetsite.demo", "--port", str(port)],
        cwd=checkout,
        env={**environment, "PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(demo: subprocess.Popen[str], word: str) -> str:
    assert demo.stdout
    said = ""
    give_up = threading.Timer(60, demo.kill)
    give_up.start()
    try:
        for line in demo.stdout:
            said += line
            if word in line:
                return said
    finally:
        give_up.cancel()
    raise AssertionError(f"the demo ended and had not said {word!r}:\n{said}")


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    until(process, "The demo has ended")
    assert process.wait(20) == 0


@contextmanager
def visited(demo: subprocess.Popen[str]) -> Iterator[None]:
    """While it serves; ends it. Somebody must read its log, or it waits when the pipe is full."""
    said: list[str] = []
    assert demo.stdout
    reader = threading.Thread(target=said.extend, args=[demo.stdout])
    reader.start()
    yield
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(20) == 0
    reader.join()
    assert "The demo has ended" in "".join(said)
