"""The site as `make serve` runs it, on servers of this run's own."""

from __future__ import annotations

import http.client
import os
import re
import sys
from pathlib import Path

from tests.support.servers import Server, free_port

ROOT = Path(__file__).resolve().parents[2]
DJANGO_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (\w+) ")


def environment(database: str, redis_url: str, **others: str) -> dict[str, str]:
    """What the site and the editor are told."""
    return {
        "DJANGO_SETTINGS_MODULE": "planetsite.settings",
        "ENV_FILE": "/dev/null",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "only-for-faults",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "off",
        "DEBUG": "off",
        "DB_HOST": database,
        "DB_USER": "root",
        "DB_NAME": "planets",
        "REDIS_URL": redis_url,
        "CACHE_STATUS": "on",
        **others,
    }


class Site(Server):
    """gunicorn with two workers of four threads."""

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__()
        self.port = free_port()
        settings = {**told, "BIND": f"127.0.0.1:{self.port}", "WORKERS": "2", "THREADS": "4"}
        self.spawn(
            [
                "/usr/bin/env",
                *(f"{name}={value}" for name, value in settings.items()),
                *(sys.executable, "-m", "gunicorn", "planetsite.wsgi"),
                *("--config", "python:planetsite.gunicorn"),
            ],
            self.answers,
        )

    def answers(self) -> bool:
        try:
            return self.get("/healthz", 2)[0] == 200
        except OSError:
            return False

    def get(self, path: str, timeout: float = 40) -> tuple[int, str, str]:
        """Status, text and Cache-Status of a page. Raises OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return response.status, text, response.getheader("Cache-Status") or ""
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def log(self) -> list[str]:
        """The lines of what the site has said so far, without gunicorn's own."""
        lines = (self.directory / "log").read_text(errors="replace").splitlines()
        return [line for line in lines if not re.match(r"\[[^]]+\] \[\d+\] \[INFO\]", line)]


def clean_environment() -> dict[str, str]:
    """This process's, without what a developer has set for the site."""
    from planetsite.environment import VARIABLES

    return {name: value for name, value in os.environ.items() if name not in VARIABLES}
