"""The pages of a hunt as visitors get them: over HTTP, from gunicorn with workers of their own."""

from __future__ import annotations

import contextlib
import http.client
import logging
import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from ..support.waiting import wait_until

WORKERS, THREADS = 2, 4


class Application(BaseApplication):
    """Configured by the process that it is forked from."""

    def __init__(self, address: Path) -> None:
        self.address = address
        super().__init__()

    def load_config(self) -> None:
        told = {
            "bind": f"unix:{self.address}",
            "workers": WORKERS,
            "threads": THREADS,
            "loglevel": "critical",
        }
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()


def serve(address: Path) -> None:
    """Until it is told to end."""
    logging.disable(logging.CRITICAL)  # of a hunt's outages the log would be long
    Application(address).run()


def wait_until_served(address: Path) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError):
            ask(address, "/healthz")
            return True
        return False

    wait_until(answers)


def end(process: multiprocessing.process.BaseProcess) -> None:
    """Its workers with it."""
    if process.pid and process.is_alive():
        os.kill(process.pid, signal.SIGTERM)
    process.join(30)


def ask(address: Path, path: str) -> str:
    """The body of a page. Raises RuntimeError for any other answer."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", timeout=30)) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(address))
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
    if response.status != 200:
        raise RuntimeError(f"{path} answers {response.status}: {body[:300]}")
    return body
