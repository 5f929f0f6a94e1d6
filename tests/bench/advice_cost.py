"""What the account of statements (CACHE_ASIDE["ADVICE"]) adds to a page, in instructions.

    python -m tests.bench.advice_cost [--only WORDS]

A clock on a busy machine does not tell two per cent. valgrind's callgrind counts the instructions
of the thread that serves, whatever else the machine does: of N requests and of 2 N, with the
account and without, so what is done once drops out. Waiting is not in it, so with a database
that is away from here the share of a page's time is less.

Python's collections of garbage are left out: when one comes is chance, and it takes more than all
the rest. No call is counted with the one before (runs.GAP is below 0), as on a site that is not
asked ten times a second for the same. Sharing is done by a thread, twice a minute, and counted by
itself.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

INSTRUCTIONS = 200_000_000  # about so many are counted of each
SUMMARY = re.compile(r"^summary: (\d+)", re.MULTILINE)
# os.getloadavg() calls it, and nothing else of a page does.
SIGNAL = "getloadavg"


class Counter:
    """Instructions of this process, by what callgrind dumps at each mark."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.marks = folder, 0

    def mark(self) -> None:
        os.getloadavg()
        self.marks += 1

    def of(self, work: Callable[[], Any], times: int) -> int:
        """Of so many calls."""
        gc.collect()
        gc.disable()
        self.mark()
        for _ in range(times):
            work()
        self.mark()
        gc.enable()
        (told,) = self.folder.glob(f"out.*.{self.marks}-01")
        return int(SUMMARY.search(told.read_text())[1])  # type: ignore[index]

    def each(self, work: Callable[[], Any], times: int) -> float:
        """Of one call, from the difference of so many and twice as many."""
        return (self.of(work, 2 * times) - self.of(work, times)) / times


def works() -> dict[str, Callable[[], Any]]:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    from planets.cache import disabled
    from planets.models import Planet

    handler, factory = WSGIHandler(), RequestFactory()
    nobody: Any = lambda *args: None  # noqa: E731  who would write the headers

    def page(address: str) -> Callable[[], None]:
        def ask() -> None:
            response = handler(factory.get(address).environ, nobody)
            assert response.status_code == 200
            b"".join(response)
            response.close()

        return ask

    def made(address: str) -> Callable[[], None]:
        ask = page(address)

        def without_the_cache() -> None:
            with disabled():
                ask()

        return without_the_cache

    return {
        "home, served whole": page("/"),
        "a planet, served whole": page("/planets/3/"),
        "a list of 8 from the cache": lambda: list(Planet.objects.cached()),
        "a list of 8 without it": lambda: list(Planet.objects.all()),
        "a record from the cache": lambda: Planet.records.get(3),
        "a planet, without the cache": made("/planets/3/"),
        "home, without the cache": made("/"),
        "moons, without the cache": made("/moons/"),
    }


def measure(folder: Path, only: str) -> None:
    """What runs under callgrind."""
    import django

    django.setup()
    from django.test.utils import setup_test_environment

    from planets.cache.instruments.account import listener as listeners
    from planets.cache.instruments.account import runs
    from planets.cache.storage import pace

    setup_test_environment()
    runs.GAP, listeners.PAUSE, pace.QUICK = -1, float("inf"), float("inf")
    count, listener = Counter(folder), listeners.listener
    for name, work in works().items():
        if only not in name:
            continue
        for start in (listener.stop, listener.start):
            start()
            for _ in range(5):  # until it is warm
                work()
        times = min(64, max(4, INSTRUCTIONS // count.of(work, 1)))
        for _ in range(times):
            work()
        for _ in range(2):  # the first has what is done once in a while of a process's life
            listener.start()
            with_it = count.each(work, times)
            listener.stop()
            without = count.each(work, times)
        more = with_it - without
        share = 100 * more / without
        print(f"{name:<28} {without:12,.0f} {more:10,.0f} {share:6.2f} %", flush=True)
    print(f"{'adding to the ledger, once':<28} {count.of(listener.tell, 1):12,}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.advice_cost", description=__doc__)
    parser.add_argument("--only", default="", help="What has this in its name.")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    if given.inside:
        measure(given.inside, given.only)
        return 0
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        parser.error("valgrind is not installed: it counts the instructions.")
    import django

    django.setup()
    from django.db import connection
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.call(
                [
                    *(valgrind, "--tool=callgrind", f"--dump-before={SIGNAL}", "--quiet"),
                    "--separate-threads=yes",
                    f"--callgrind-out-file={folder}/out.%p",
                    *(sys.executable, "-m", "tests.bench.advice_cost", f"--inside={folder}"),
                    f"--only={given.only}",
                ],
                env={
                    **os.environ,
                    "DB_NAME": connection.settings_dict["NAME"],
                    "PYTHONHASHSEED": "0",
                },
            )
    finally:
        runner.teardown_databases(databases)


if __name__ == "__main__":
    sys.exit(main())
