"""Where the time of each piece of work goes: `python -m tests.bench.shares [--calls N]`.

Each is done under cProfile by "ours", without the near tier, and what each function took by itself
is added up by whose it is. cProfile makes small Python functions look dearer than they are, so only
the shares of a row say something. Writes the table into docs/speed.md.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.support import servers

from .report import WORKS
from .site import prepared

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- shares of the last run -->", "<!-- end of shares -->"

HITS = (
    *("record", "get", "list_8", "list_8_kept", "list_100", "count", "aggregate", "join"),
    *("planet_list_8", "planet_join", "value_8"),
)
FRESH = ("miss_list_8", "miss_record", "save", "save_5")
DATABASE, WAITING = "the database and its driver", "waiting for Redis"
# By a part of the file's name, the first that fits.
OWNERS = {
    "planets/cache/orm/": "plans and instances",
    "planets/cache/storage/": "the exchange with Redis",
    "planets/cache/writing/": "what a write touches",
    "planets/cache/": "look-up, decoding, fill",
    "/redis/": "the exchange with Redis",
    "/MySQLdb/": DATABASE,
    "/django/": "Django",
}
# Built-in functions that wait; the others are part of whoever calls them.
WAITS = {"_mysql": DATABASE, "sendall": WAITING, "recv_into": WAITING, "poll": WAITING}
COLUMNS = (*dict.fromkeys(OWNERS.values()), "the rest of Python", WAITING)

Function = tuple[str, int, str]


def owner(function: Function) -> str:
    """Whose a function's own time is."""
    file, _, name = function
    if file == "~":
        return next((whose for word, whose in WAITS.items() if word in name), "")
    return next((whose for part, whose in OWNERS.items() if part in file), "the rest of Python")


def shares(do: Callable[[int], Any], numbers: Iterable[int]) -> dict[str, float]:
    """Per cent of the whole, by whose it is."""
    profile = cProfile.Profile()
    profile.enable()
    for number in numbers:
        do(number)
    profile.disable()
    spent: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in pstats.Stats(profile).stats.items():
        if whose := owner(function):
            spent[whose] += own
            continue
        for caller, (_, _, by_caller, _) in callers.items():
            spent[owner(caller) or "the rest of Python"] += by_caller
    whole = sum(spent.values())
    return {whose: 100 * seconds / whole for whose, seconds in spent.items()}


def table(calls: int) -> str:
    """Of all pieces of work, in Markdown. Runs in the process of the contender."""
    from .worker import CONTENDERS, KEYS  # which sets Django up

    contender = CONTENDERS["ours"]()
    lines = ["| | " + " | ".join(COLUMNS) + " |", "| --- " + "| ---: " * len(COLUMNS) + "|"]
    fresh = iter(range(1, 1_000_000))
    for work in (*HITS, *FRESH):
        do = getattr(contender, work)
        hit = work in HITS
        for number in range(8 * KEYS):
            do(number % KEYS if hit else next(fresh))
        found = shares(do, [n % KEYS if hit else next(fresh) for n in range(calls)])
        cells = " | ".join(f"{found.get(whose, 0):.0f} %" for whose in COLUMNS)
        lines.append(f"| {WORKS[work]} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.shares", description=__doc__)
    parser.add_argument("--calls", type=int, default=400)
    calls = parser.parse_args().calls
    if os.environ.get("BENCH_CONTENDER"):
        print(table(calls))
        return
    with servers.MariaDB(tcp=True) as mariadb, servers.Redis(tcp=True) as redis:
        environment = prepared(mariadb, redis.url) | {"BENCH_CONTENDER": "ours"}
        command = [sys.executable, "-m", "tests.bench.shares", "--calls", str(calls)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    print(done.stdout)
    page = ROOT / "docs" / "speed.md"
    head, _, tail = page.read_text().partition(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{done.stdout.strip()}\n\n{END}{tail.partition(END)[2]}")


if __name__ == "__main__":
    main()
