"""How soon the watcher makes a write from outside visible, how much it keeps up with, its memory.

    python -m tests.bench.watching [mariadb|mysql] [--seconds 20]

Private servers, the command in a process of its own, and a plain client that writes to the same
table. A probe commits, then fetches the record until it is fresh. Writes docs/watching.svg.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..support import servers
from ..support.primary import PASSWORD, USER, Primary

ROOT = Path(__file__).resolve().parents[2]
ROWS = 2000
NUMBERS = itertools.count(1)  # a row that is set to what it was is no write
Probe = tuple[float, float]  # seconds since the load began, milliseconds until it was fresh


@contextmanager
def ready(flavor: str) -> Iterator[tuple[Primary, subprocess.Popen[bytes]]]:
    with Primary(flavor) as primary, servers.Redis() as redis:
        with primary.client() as plain:
            plain.cursor().execute("CREATE DATABASE zoo CHARACTER SET utf8mb4")
        os.environ.update(
            DJANGO_SETTINGS_MODULE="tests.settings", TEST_SERVERS_ARE_UP="1",
            DB_HOST=primary.socket, DB_PORT="", DB_USER="root", DB_PASS="", DB_NAME="zoo",
            REDIS_URL=redis.url,
            ENV_FILE="/dev/null", SECRET_KEY="only-for-tests", HTTPS="off",
        )  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        with primary.client(database="zoo") as plain:
            cursor = plain.cursor()
            rows = [(number, "x") for number in range(1, ROWS + 1)]
            cursor.executemany("INSERT INTO star (id, name, mass) VALUES (%s, %s, 0)", rows)
        code = (
            "import django; django.setup(); from django.conf import settings; "
            f"settings.CACHE_ASIDE['WATCH'] = {{'USER': {USER!r}, 'PASSWORD': {PASSWORD!r}}}; "
            "from django.core.management import call_command; call_command('watch_database')"
        )
        log = (primary.directory / "watcher.log").open("wb")
        watcher = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=log, stderr=log)
        try:
            from planets.cache.watching.state import states

            while not (states() and states()["default"].is_alive):
                assert watcher.poll() is None, (primary.directory / "watcher.log").read_text()
                time.sleep(0.1)
            yield primary, watcher
        finally:
            watcher.send_signal(signal.SIGTERM)
            watcher.wait(30)
            log.close()


def load(primary: Primary, rows_per_second: int, rows_each: int, seconds: float, done: Any) -> None:
    """Writes so many rows a second, as far as it can, so many in each transaction."""
    plain = primary.client(database="zoo", autocommit=False)
    cursor, dice, began = plain.cursor(), random.Random(1), time.monotonic()
    written = 0
    while (now := time.monotonic()) < began + seconds:
        if written > (now - began) * rows_per_second:
            time.sleep(0.001)
            continue
        first = dice.randrange(10, ROWS - rows_each)
        cursor.execute(
            "UPDATE star SET mass = mass + 1 WHERE id >= %s AND id < %s", [first, first + rows_each]
        )
        plain.commit()
        written += rows_each
    done.value = written


def probe(primary: Primary, seconds: float) -> list[Probe]:
    """Meanwhile, how long it takes from a COMMIT to the first fresh fetch."""
    from tests.cache.zoo.models import Star

    found: list[Probe] = []
    dice, began = random.Random(2), time.monotonic()
    with primary.client(database="zoo") as plain:
        cursor = plain.cursor()
        for number in NUMBERS:
            if found and time.monotonic() > began + seconds:
                break
            cursor.execute("UPDATE star SET radius = %s WHERE id = 3", [number])
            committed = time.perf_counter()
            while (star := Star.records.get(3)) is None or star.radius != number:
                if time.perf_counter() > committed + 60:
                    raise AssertionError("it never became fresh")
                time.sleep(0.0005)  # or it would have one of two processors for itself
            found.append((time.monotonic() - began, (time.perf_counter() - committed) * 1000))
            time.sleep(dice.uniform(0, 0.03))
    return found


def used(pid: int) -> tuple[float, int]:
    """Seconds of the processor, and the most memory in kB, of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak


def under(primary: Primary, watcher: Any, rows: int, rows_each: int, seconds: float) -> list[Probe]:
    """One load: prints what came of it."""
    written = multiprocessing.get_context("fork").RawValue("q", 0)
    spent = used(watcher.pid)[0]
    process = multiprocessing.get_context("fork").Process(
        target=load, args=(primary, rows, rows_each, seconds, written)
    )
    process.start()
    found = probe(primary, seconds)
    process.join()
    times = sorted(ms for _, ms in found)
    cpu = (used(watcher.pid)[0] - spent) / seconds
    print(
        f"{written.value / seconds:7,.0f} rows/s in transactions of {rows_each:>3}: "
        f"median {statistics.median(times):.1f} ms, p99 {times[int(len(times) * 0.99)]:.1f} ms, "
        f"worst {times[-1]:.1f} ms of {len(times)}; the watcher took {cpu:.0%} of a processor",
        flush=True,
    )
    return found


def a_large_transaction(primary: Primary, watcher: Any, rows: int) -> None:
    with primary.client(database="zoo") as plain:
        cursor = plain.cursor()
        cursor.execute("SET cte_max_recursion_depth = 2000000" if primary.flavor == "mysql" else
                       "SET max_recursive_iterations = 2000000")  # fmt: skip
        cursor.execute(
            "INSERT INTO star (id, name) WITH RECURSIVE n AS (SELECT 10000 i UNION ALL "
            f"SELECT i + 1 FROM n WHERE i < {10000 + rows - 1}) SELECT i, 'large' FROM n"
        )
        began = time.monotonic()
        cursor.execute("UPDATE star SET mass = 1, name = 'larger'")
        took = time.monotonic() - began
    lag = probe(primary, 0.01)[0][1] / 1000
    print(
        f"one UPDATE of {rows:,} rows took {took:.1f} s; what came after it was fresh {lag:.1f} s "
        f"later; the watcher's memory was never above {used(watcher.pid)[1] / 1024:.0f} MB",
        flush=True,
    )


def draw(loads: dict[str, list[Probe]], path: Path) -> None:
    import pygal
    from pygal.style import CleanStyle

    chart = pygal.XY(
        stroke=False, dots_size=1.5, style=CleanStyle, width=900, height=420, js=[],
        title="From a COMMIT outside of Django to the first fresh fetch",
        x_title="seconds", y_title="ms, logarithmic", logarithmic=True, legend_at_bottom=True,
    )  # fmt: skip
    for name, found in loads.items():
        chart.add(name, [(round(at, 2), round(ms, 2)) for at, ms in found])
    path.write_bytes(chart.render())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.watching", description=__doc__)
    parser.add_argument("flavor", nargs="?", choices=["mariadb", "mysql"], default="mariadb")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with ready(options.flavor) as (primary, watcher):
        found = {
            f"{rows:,} rows/s": under(primary, watcher, rows, each, options.seconds)
            for rows, each in ((0, 1), (500, 1), (1000, 1), (5000, 10), (5000, 100))
        }
        draw(
            {f"{rows} rows/s": found[f"{rows} rows/s"] for rows in ("500", "5,000")},
            ROOT / "docs" / "watching.svg",
        )
        a_large_transaction(primary, watcher, options.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
