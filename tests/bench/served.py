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
APART = 0.02  # seconds from one connection to the next
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
        """Requests a second, over connections that come one after another, as visitors' do.

        Raises RuntimeError where one was not answered by a page.
        """
        programs = []
        for _ in range(CONNECTIONS):
            programs.append(self._wrk(work, seconds, 1))
            time.sleep(APART)
        return sum(self._rate(work, program) for program in programs)

    def ask_at_once(self, work: str, seconds: int) -> float:
        """The same over connections that come at once: one worker of several may get all."""
        return self._rate(work, self._wrk(work, seconds, CONNECTIONS))

    def _wrk(self, work: str, seconds: int, connections: int) -> subprocess.Popen[str]:
        program = wrk()
        assert program
        command = [program, "--threads", "1", "--connections", str(connections)]
        command += ["--duration", f"{seconds}s", "--header", f"Host: {HOST}"]
        command.append(f"http://127.0.0.1:{self.port}{ADDRESSES[work]}")
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def _rate(self, work: str, program: subprocess.Popen[str]) -> float:
        said, _ = program.communicate()
        rate = RATE.search(said)
        if program.returncode or rate is None or REFUSED.search(said):
            raise RuntimeError(f"{self.name} does not answer each request of {work}:\n{said}")
        return float(rate[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.terminate()
        self.process.wait()
