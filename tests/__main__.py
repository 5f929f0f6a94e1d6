"""The whole suite, on everything that it runs on; the last line is the sum of all counts.

    python -m tests [pytest's options]

On the system's MariaDB and Redis; on MySQL and Valkey, as tests/servers.sh fetches them, with the
newest Django; on Redis 8 and on SQLite, what differs there. Runs go on beside one another, each
with servers of its own and its output in .test-logs/.

Servers that TEST_DB_HOST or TEST_REDIS_URL name take the place of the others, one run at a time.
TEST_RUNS=MySQL makes only the runs with that word in their titles. Ctrl-C or SIGTERM ends all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import newest_django
from .children import children, end_by_signals
from .lanes import Run, own_python, run_all, summary

TESTS = Path(__file__).resolve().parent
LANES = 3  # a run takes a core for about half of its time: it waits for timers and servers
LAYER = ("cache", "races")
# Enough on one database and one Django.
NOT_ONCE = ("-m", "not once")
# What differs on another Redis: scripts, the near tier, what it refuses, races.
OF_REDIS = ("tests/cache/checks", "tests/cache/storage", "tests/races")
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
    done = children.run(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        return "", f"as tests/servers.sh could not fetch them: {said[-1]}"
    return done.stdout.splitlines()[0].partition("=")[2], ""


def rooms(of_the_layer: bool) -> tuple[str, ...]:
    """The folders of tests, so that a new one is never forgotten."""
    found = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    return tuple(f"tests/{room}" for room in sorted(found) if (room in LAYER) is of_the_layer)


def plan(tree: str, why_none: str, newest: Callable[[], str]) -> Iterator[Run]:
    """The longest first, so that the lanes end together."""
    ours = {"TEST_DATABASE": "mysql", "TEST_MYSQL_TREE": "", "TEST_REDIS": ""}
    redis_8 = {**ours, "TEST_REDIS": f"{tree}/redis-server"}
    mysql = {**ours, "TEST_MYSQL_TREE": tree, "TEST_REDIS": f"{tree}/valkey-server"}
    layer, rest = rooms(of_the_layer=True), rooms(of_the_layer=False)
    system = "the given servers" if GIVEN else "MariaDB and Redis"
    parts = (("the layer", layer), ("the site and the rest", rest))
    for part, tests in parts:
        yield Run(system, part, tests, ours)
    # The other servers and the other Django in one, for each is a whole suite.
    on, where = ("MySQL, Valkey", mysql) if tree else (system, ours)
    django = f"Django {newest_django.VERSION}"
    python = newest
    if not newest_django.newer_python():
        yield Run(django, "all", (), ours, left_out=newest_django.NONE_AT_HAND)
        django, python = "this Django", own_python
    if not tree:
        yield Run("MySQL and Valkey", "all", (), ours, left_out=why_none)
    if tree or python is newest:
        for part, tests in parts:
            yield Run(f"{on} and {django}", part, (*tests, *NOT_ONCE), where, python)
    tests = (*OF_REDIS, *NOT_ONCE)
    yield Run("MariaDB and Redis 8", "what differs", tests, redis_8, left_out=why_none)
    tests = (*OF_SQLITE, *NOT_ONCE)
    yield Run("SQLite", "what differs", tests, {**ours, "TEST_DATABASE": "sqlite"})


def main() -> int:
    end_by_signals()
    wanted = os.environ.get("TEST_RUNS", "")
    with ThreadPoolExecutor(1) as meanwhile, children:
        made: list[Future[str]] = []

        def newest() -> str:
            return made[0].result()

        runs = [run for run in plan(*fetched_servers(), newest) if wanted in run.title]
        if any(run.python is newest for run in runs):  # it may take minutes, so it begins now
            made.append(meanwhile.submit(newest_django.python_with_it))
        total = run_all(runs, 1 if GIVEN else LANES, sys.argv[1:])
    print(f"\n{summary(total)}", flush=True)
    return int(bool(total["failed"] + total["broken"]))


if __name__ == "__main__":
    sys.exit(main())
