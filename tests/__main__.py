"""The whole suite, on everything that it runs on; the last line is the sum of all counts.

    python -m tests

1. MariaDB and Redis.  2. SQLite and Redis.  3. With TEST_NEXT set: SQLite with the
newest Django, on a Python 3.12 or later. Its failures are known: see the README.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
NEXT_DJANGO = "6.1.3"
NEXT_PYTHON = (3, 12)
NEXT_VENV = ROOT / ".venv-next"


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


def next_python() -> str | None:
    """A Python that the newest Django runs on, in a virtual environment with it."""
    version = f"Django {NEXT_DJANGO}"
    python = NEXT_VENV / "bin" / "python"
    requirements = (ROOT / "requirements.txt").read_text() + (
        (ROOT / "tests" / "requirements.txt").read_text().replace("-r ../requirements.txt", "")
    )
    lines = [
        f"Django=={NEXT_DJANGO}" if line.startswith("Django==") else line
        for line in requirements.splitlines()
        if not line.startswith(("mysqlclient", "mypy", "django-stubs"))
    ]
    stamp = NEXT_VENV / "requirements.txt"
    if python.exists() and stamp.exists() and stamp.read_text() == "\n".join(lines):
        return str(python)
    found = _newer_python()
    if found is None:
        print(f"\n=== {version}: left out, no Python {NEXT_PYTHON[0]}.{NEXT_PYTHON[1]} is at hand")
        return None
    subprocess.run([found, "-m", "venv", "--clear", NEXT_VENV], check=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    stamp.write_text("\n".join(lines))
    if subprocess.run([*pip, "-r", stamp]).returncode:
        stamp.unlink()
        raise SystemExit(f"{version} could not be installed for {found}")
    return str(python)


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
    if "TEST_NEXT" in os.environ and (python := next_python()):
        total += run(f"SQLite, Redis and Django {NEXT_DJANGO}", python, TEST_DATABASE="sqlite")
    failed = total["failed"] + total["broken"]
    print(f"\n{total['passed']} passed, {failed} failed, {total['skipped']} skipped", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
