"""Many visitors at once, by wrk."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.servers import find_binary

PAGES = Path(__file__).with_name("pages.lua")
VISITORS = 16
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Figures(NamedTuple):
    """What came of a load."""

    requests: int
    per_second: float
    p99: float  # milliseconds
    failed: int  # answered with an error, or not at all


class Load:
    """It begins at once, lasts `seconds`, and is waited for by `figures`."""

    def __init__(self, port: int, seconds: float) -> None:
        self.process = subprocess.Popen(
            [
                find_binary("wrk"), "-t1", f"-c{VISITORS}", f"-d{round(seconds)}s", "--latency",
                "--timeout", "10s", "-s", str(PAGES), f"http://127.0.0.1:{port}/",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def figures(self) -> Figures:
        return read(self.process.communicate()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.process.wait()


def read(said: str) -> Figures:
    """The figures in wrk's words."""

    def number(pattern: str) -> str:
        found = re.search(pattern, said, re.M)
        return found[1] if found else "0"

    p99 = re.search(r"^ +99% +([\d.]+)(us|ms|s|m) *$", said, re.M)
    sockets = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return Figures(
        requests=int(number(r"^ +(\d+) requests in")),
        per_second=float(number(r"^Requests/sec: +([\d.]+)")),
        p99=float(p99[1]) * UNITS[p99[2]] if p99 else 0.0,
        failed=int(number(r"Non-2xx or 3xx responses: (\d+)"))
        + (sum(map(int, sockets.groups())) if sockets else 0),
    )
