"""Holds what the layer reads off SQL against what a database server says of it.

    python -m tests.oracle 100000 --seed 1

Prints the counts, and each statement that was misread; status 1 where there is one. Asks a private
MariaDB, or the server of TEST_DB_HOST and so on.
"""

from __future__ import annotations

import argparse
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("statements", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    from django.conf import settings

    settings.configure(INSTALLED_APPS=[])  # without models, no table has a TIME
    import django

    django.setup()
    from .comparison import Comparison
    from .server import Crashed, asked, login

    started = time.monotonic()
    comparison = Comparison(options.seed)
    crashes: list[str] = []
    while comparison.counts["compared"] < options.statements:
        try:
            with login() as parameters, asked(parameters) as oracle:
                version = oracle.version
                comparison.run(oracle, options.statements)
        except Crashed as crashed:
            crashes.append(str(crashed))
    print(f"{version}, seed {options.seed}, {time.monotonic() - started:.0f} s")
    for crash in crashes:
        print(f"The server crashed by: {crash}")
    for name, count in comparison.counts.most_common():
        print(f"{count:>9,} {name}")
    for doubt, count in comparison.doubts.most_common(12):
        print(f"{count:>9,} in doubt: {doubt}")
    print(f"{len(comparison.misread):>9,} misread")
    for misread in comparison.misread:
        print(f"\n{misread}")
    return int(bool(comparison.misread))


if __name__ == "__main__":
    sys.exit(main())
