"""The site as it is served, by gunicorn, on the database and the Redis of the test run."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from django.db import connections

from .servers import free_port
from .waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: str
    seconds: float


@dataclass
class Site:
    port: int
    log_file: Path

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, **headers: str) -> Answer:
        return self.ask("POST", path, headers)

    def ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        began = time.monotonic()
        try:
            client.request(method, quote(path, safe="/?&=%,"), headers=headers)
            response = client.getresponse()
            body = response.read().decode()
            return Answer(response.status, response.headers, body, time.monotonic() - began)
        finally:
            client.close()

    def answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    @property
    def log(self) -> list[str]:
        return self.log_file.read_text().splitlines()


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Site]:
    """One worker process, its settings those of the tests with `environment`."""
    site = Site(free_port(), folder / "log")
    command = [sys.executable, "-m", "gunicorn", "planetsite.wsgi", "--log-level", "error"]
    with (
        site.log_file.open("w") as log,
        subprocess.Popen(
            [*command, "--config", "python:planetsite.gunicorn"],
            cwd=ROOT,
            env={
                **os.environ,
                "BIND": f"127.0.0.1:{site.port}",
                "WORKERS": "1",
                "DB_NAME": connections["default"].settings_dict["NAME"],
                "ALLOWED_HOSTS": "127.0.0.1",
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "TMPDIR": str(folder),
                **environment,
            },
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            give_up = time.monotonic() + PATIENCE
            while not site.answers():
                assert process.poll() is None, site.log
                assert time.monotonic() < give_up, site.log
                time.sleep(0.05)
            yield site
        finally:
            process.terminate()
