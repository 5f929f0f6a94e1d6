"""What the account of statements (CACHE_ASIDE["ADVICE"]) takes of a page, in per cent.

    python -m tests.bench.advice_cost [--rounds N]

Its own time within each page is taken, and the median of its share over all rounds: both parts of
a share are of the same moment, so whatever else the machine does slows both alike. Sharing by Redis
is done by a thread, and is counted by itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

PAGES = {"the home page": "/", "a planet": "/planets/3/", "moons": "/moons/"}


class Clock:
    """The time that the account's own functions take, without the statements within them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - started

        return timed

    def around(self, witness: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            *others, run = args

            def statement() -> Any:
                started = time.perf_counter()
                try:
                    return run()
                finally:
                    self.seconds -= time.perf_counter() - started

            return self.of(witness)(*others, statement)

        return timed


def share(clock: Clock, ask: Callable[[], Any], rounds: int) -> tuple[float, float, float]:
    """Per cent of a page, microseconds of it, and ms of the page."""
    shares, own, pages = [], [], []
    for number in range(rounds + 20):
        clock.seconds, started = 0.0, time.perf_counter()
        ask()
        took = time.perf_counter() - started
        if number >= 20:  # it is warm
            shares.append(100 * clock.seconds / took)
            own.append(clock.seconds * 1e6)
            pages.append(took * 1e3)
    return statistics.median(shares), statistics.median(own), statistics.median(pages)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.advice_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.test.runner import DiscoverRunner
    from django.test.utils import setup_test_environment

    from planets.cache import disabled
    from planets.cache.instruments.account.listener import Listener
    from planets.cache.visit import Visitor

    clock = Clock()

    class Timed(Listener):
        fetched = clock.of(Listener.fetched)
        page_begins = clock.of(Listener.page_begins)
        page_ends = clock.of(Listener.page_ends)

        def ran(self, *args: Any) -> Any:
            return clock.around(super().ran)(*args)

    setup_test_environment()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    visitor, listener = Visitor("testserver"), Timed()
    listener.start()
    try:
        for name, address in PAGES.items():

            def ask(address: str = address) -> None:
                listener.told_at = time.monotonic()  # no sharing within
                visitor.get(address)

            def made(address: str = address) -> None:
                with disabled():
                    ask(address)

            for how, work in (("served whole", ask), ("without the cache", made)):
                per_cent, own, page = share(clock, work, rounds)
                print(f"{name + ', ' + how:<36} {page:6.2f} ms {own:5.0f} µs {per_cent:5.2f} %")
        started = time.perf_counter()
        listener.tell()
        print(f"sharing it, once in 30 s: {1000 * (time.perf_counter() - started):.1f} ms")
    finally:
        listener.stop()
        runner.teardown_databases(databases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
