"""The whole suite, on everything that it runs on; the last line is the sum of all counts.

    python -m tests [pytest's options]

On the system's MariaDB and Redis; on MySQL and Valkey, and on Redis 8 with the newest Django, as
tests/servers.sh fetches them; on SQLite, what differs there. Runs go on beside one another, each
with servers of its own and its output in .test-logs/.

Servers that TEST_DB_HOST or TEST_REDIS_URL name take the place of the others, one run at a time.
TEST_RUNS=MySQL makes only the runs with that word in their titles.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import newest_django
from .lanes import Run, run_all, summary

TESTS = Path(__file__).resolve().parent
LANES = 2  # a run takes a core for about half of its time: it waits for timers and servers
LAYER = ("cache", "races")
# Enough on one database and one Django.
NOT_ONCE = ("-m", "not once")
# What differs on SQLite: the reading of SQL, the engine, and the site, which can run on it.
OF_SQLITE = (
    *(f"tests/cache/{room}" for room in ("checks", "orm", "testing", "watching", "writing")),
    *("tests/planets", "tests/site"),
)
GIVEN = [name for name in ("TEST_DB_HOST", "TEST_REDIS_URL") if os.environ.get(name)]


def fetched_servers() -> tuple[str, str]:
    """The folder of the newer servers, or none and why there is none."""
    if GIVEN:
        return "", f"as {' and '.join(GIVEN)} is set"
    script = ["sh", str(TESTS / "servers.sh")]
    done = subprocess.run(script, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        return "", f"as tests/servers.sh could not fetch them: {said[-1]}"
    return done.stdout.splitlines()[0].partition("=")[2], ""


def rooms(of_the_layer: bool) -> tuple[str, ...]:
    """The folders of tests, so that a new one is never forgotten."""
    found = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    return tuple(f"tests/{room}" for room in sorted(found) if (room in LAYER) is of_the_layer)


def plan(tree: str, why_none: str, newest: Future[str]) -> Iterator[Run]:
    """The longest first, so that the lanes end together."""
    ours = {"TEST_DATABASE": "mysql", "TEST_MYSQL_TREE": "", "TEST_REDIS": ""}
    redis_8 = {**ours, "TEST_REDIS": f"{tree}/redis-server"}
    mysql = {**ours, "TEST_MYSQL_TREE": tree, "TEST_REDIS": f"{tree}/valkey-server"}
    layer, rest = rooms(of_the_layer=True), rooms(of_the_layer=False)
    system = "the given servers" if GIVEN else "MariaDB and Redis"
    newer = f"Django {newest_django.VERSION}"
    yield Run(system, "the layer", layer, ours)
    yield Run(system, "the site and the rest", rest, ours)
    for part, tests in (("the layer", layer), ("the site", rest)):
        yield Run("MySQL and Valkey", part, (*tests, *NOT_ONCE), mysql, left_out=why_none)
    for part, tests in (("the layer", layer), ("the site", rest)):
        tests = (*tests, *NOT_ONCE)
        if tree:
            yield Run(f"{newer}, MariaDB and Redis 8", part, tests, redis_8, newest.result)
        else:
            yield Run(f"{newer}, {system}", part, tests, ours, newest.result)
            yield Run("Redis 8", part, tests, redis_8, left_out=why_none)
    yield Run(
        "SQLite", "what differs", (*OF_SQLITE, *NOT_ONCE), {**ours, "TEST_DATABASE": "sqlite"}
    )


def main() -> int:
    with ThreadPoolExecutor(1) as meanwhile:
        newest = meanwhile.submit(newest_django.python_with_it)
        wanted = os.environ.get("TEST_RUNS", "")
        runs = [run for run in plan(*fetched_servers(), newest) if wanted in run.title]
        total = run_all(runs, 1 if GIVEN else LANES, sys.argv[1:])
    print(f"\n{summary(total)}", flush=True)
    return int(bool(total["failed"] + total["broken"]))


if __name__ == "__main__":
    sys.exit(main())
