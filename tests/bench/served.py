"""The site as it is served: gunicorn with one, two and four workers, asked by wrk."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS, CONNECTIONS = (1, 2, 4), 8
STARTS_WITHIN = 60.0  # seconds
SERVED = ("orm", "ours", "near")
ADDRESSES = {"served_home": "/", "served_planet": "/planets/3/"}
HOST = "testserver"  # of the bench's ALLOWED_HOSTS
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
REFUSED = re.compile(r"Non-2xx or 3xx responses: .*|Socket errors: .*")


def wrk() -> str | None:
    """The program; None where it is not installed."""
    return shutil.which("wrk")


class Site:
    """The site of one contender, on a port of its own."""

    def __init__(self, name: str, environment: dict[str, str], workers: int) -> None:
        self.name = name
        self.works = list(ADDRESSES)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "planetsite.wsgi"),
                *("--config", "python:planetsite.gunicorn", "--log-level", "warning"),
            ],
            cwd=ROOT,
            env={
                **environment,
                "BENCH_CONTENDER": name,
                "BIND": f"127.0.0.1:{self.port}",
                "WORKERS": str(workers),
            },
        )

    def wait(self) -> None:
        """Until it answers. Raises RuntimeError."""
        give_up = time.monotonic() + STARTS_WITHIN
        address = f"http://127.0.0.1:{self.port}/"
        request = urllib.request.Request(address, headers={"Host": HOST})
        while True:
            try:
                with urllib.request.urlopen(request):
                    return
            except urllib.error.HTTPError as error:
                raise RuntimeError(f"{self.name} answers {error.code} to {address}") from error
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"gunicorn of {self.name} did not start") from error
            time.sleep(0.05)

    def ask(self, work: str, seconds: int) -> float:
        """Requests a second. Raises RuntimeError where one was not answered by a page."""
        program = wrk()
        assert program
        command = [program, "--threads", "1", "--connections", str(CONNECTIONS)]
        command += ["--duration", f"{seconds}s", "--header", f"Host: {HOST}"]
        command.append(f"http://127.0.0.1:{self.port}{ADDRESSES[work]}")
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rate = RATE.search(said)
        if rate is None or REFUSED.search(said):
            raise RuntimeError(f"{self.name} does not answer each request of {work}:\n{said}")
        return float(rate[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.terminate()
        self.process.wait()
