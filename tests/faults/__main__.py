"""The fault matrix: what visitors see of each fault.

    python -m tests.faults                     # all of them, into docs/faults.md
    python -m tests.faults --only Redis --seconds 4

For each row: gunicorn with two workers serves the site from throwaway servers on loopback; wrk is
16 visitors; an editor renames planets, and two more visitors look at what they get. Exit status 1
where a page was stale, or failed that need not have.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.support.servers import MariaDB, NotInstalled, Redis, find_binary

from . import report
from .catalogue import FAULTS
from .row import Row, commonest, row
from .site import ROOT, clean_environment, environment

PAGE = ROOT / "docs" / "faults.md"
CHATTY = 20  # lines of the log: what they say is shown


def prepare(mariadb: MariaDB) -> None:
    """The database with its planets, and the static files of a site that is not in DEBUG."""
    subprocess.run(
        [find_binary("mariadb", "mysql"), "--no-defaults", "-S", mariadb.socket, "-u", mariadb.user,
         "-e", "CREATE DATABASE planets CHARACTER SET utf8mb4"],
        check=True,
    )  # fmt: skip
    with Redis(tcp=True) as redis:
        told = {**clean_environment(), **environment(mariadb.socket, redis.url)}
        for command in (["migrate"], ["seed_planets"], ["collectstatic", "--noinput"]):
            subprocess.run(
                [sys.executable, "manage.py", *command, "--verbosity", "0"],
                cwd=ROOT,
                env=told,
                stdout=subprocess.DEVNULL,
                check=True,
            )


def is_good(row: Row) -> bool:
    """No page was stale; none failed but those that no cache can save."""
    needs_database = row.fault.name.startswith("database")
    return not row.during.stale and not row.after.stale and (needs_database or not row.failed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="how long each fault lasts")
    parser.add_argument("--only", default="", help="the rows whose name has this in it")
    parser.add_argument("--output", type=Path, help=f"the page to write; {PAGE.name} for all rows")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if options.only.lower() in fault.name.lower()]
    if not faults:
        parser.error(f"no row has {options.only!r} in its name")
    try:
        find_binary("wrk")
    except NotInstalled as missing:
        parser.error(f"{missing}: apt-get install wrk")
    rows: list[Row] = []
    with MariaDB() as mariadb:
        prepare(mariadb)
        print(report.HEAD, flush=True)
        for fault in faults:
            rows.append(row(fault, mariadb, options.seconds))
            print(report.line(rows[-1]), flush=True)
            if len(rows[-1].lines) > CHATTY or not is_good(rows[-1]):
                print(*(f"    {said}" for said in commonest(rows[-1].lines)), sep="\n", flush=True)
    if page := options.output or (None if options.only else PAGE):
        report.put_into(page, rows, options.seconds)
    return 0 if all(map(is_good, rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
