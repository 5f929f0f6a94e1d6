"""The whole suite, on everything that it runs on; the last line is the sum of all counts.

    python -m tests

1. MariaDB and Redis.  2. SQLite and Redis.  3. SQLite and Redis with the newest Django, where a
Python that it runs on is at hand; installs it, and fails where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
NEXT_DJANGO = "6.1.3"
NEXT_PYTHON = (3, 12)
NEXT_VENV = ROOT / ".venv-next"
# Comments, the other file, what only MariaDB needs, and what only looks at the source.
NOT_FOR_NEXT = ("#", "-r ", "mysqlclient", "mypy", "django-stubs", "ruff")


def run(title: str, python: str, **environment: str) -> Counter[str]:
    """One run of the suite; its counts, with `broken` where pytest itself failed."""
    print(f"\n=== {title}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [python, "-m", "pytest", "-q", f"--junitxml={report}", *sys.argv[1:]]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode
        counts: Counter[str] = Counter(broken=int(code not in (0, 1)))
        if report.exists():
            (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
            total, failed, errors, skipped = (
                int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
            )
            counts.update(failed=failed + errors, skipped=skipped)
            counts["passed"] = total - failed - errors - skipped
    return counts


def run_next() -> Counter[str]:
    """The run on the newest Django, in a virtual environment of its own."""
    title = f"SQLite, Redis and Django {NEXT_DJANGO}"
    newer = _newer_python()
    if newer is None:
        print(f"\n=== {title}: left out, no Python {'.'.join(map(str, NEXT_PYTHON))} is at hand")
        return Counter()
    python = str(NEXT_VENV / "bin" / "python")
    pins = list(_next_pins())
    stamp = NEXT_VENV / "installed.txt"
    if not (Path(python).exists() and stamp.exists() and stamp.read_text().split() == pins):
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins]
        try:
            subprocess.run([newer, "-m", "venv", "--clear", NEXT_VENV], check=True)
            subprocess.run(pip, check=True)
        except subprocess.CalledProcessError:
            print(f"\n=== {title}: failed, for {newer} could not install it; pip says why above")
            return Counter(broken=1)
        stamp.write_text("\n".join(pins))
    return run(title, python, TEST_DATABASE="sqlite")


def _next_pins() -> Iterator[str]:
    for file in (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"):
        for line in file.read_text().splitlines():
            if line.startswith("Django=="):
                yield f"Django=={NEXT_DJANGO}"
            elif line and not line.startswith(NOT_FOR_NEXT):
                yield line


def _newer_python() -> str | None:
    names = [f"python3.{minor}" for minor in (14, 13, 12)]
    found = [path for name in names if (path := shutil.which(name))]
    found += map(str, sorted(Path.home().glob(".pyenv/versions/*/bin/python"), reverse=True))
    for path in [sys.executable, *found]:
        check = f"import ensurepip, sys; sys.exit(not (3, 15) > sys.version_info >= {NEXT_PYTHON})"
        if not subprocess.run([path, "-c", check], capture_output=True).returncode:
            return path
    return None


def main() -> int:
    total = run("MariaDB and Redis", sys.executable, TEST_DATABASE="mysql")
    total += run("SQLite and Redis", sys.executable, TEST_DATABASE="sqlite")
    total += run_next()
    failed = total["failed"] + total["broken"]
    print(f"\n{total['passed']} passed, {failed} failed, {total['skipped']} skipped", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
