"""The newest Django, in a virtual environment of its own, on a Python that it runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from .children import children
from .lanes import ROOT, LeftOut

VERSION = "6.1.3"
PYTHON = (3, 12)
NONE_AT_HAND = f"as no Python {'.'.join(map(str, PYTHON))} is at hand"
VENV = ROOT / ".venv-next"
# Comments, the other file, and what only looks at the source.
NOT_NEEDED = ("#", "-r ", "mypy", "django-stubs", "ruff")


def python_with_it() -> str:
    """The Python of that environment, which is made or renewed where it must be.

    Raises LeftOut where no Python is new enough, RuntimeError where pip fails.
    """
    newer = newer_python()
    if newer is None:
        raise LeftOut(NONE_AT_HAND)
    python = str(VENV / "bin" / "python")
    pins = list(_pins())
    stamp = VENV / "installed.txt"
    if not (Path(python).exists() and stamp.exists() and stamp.read_text().split() == pins):
        for command in (
            [newer, "-m", "venv", "--clear", str(VENV)],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins],
        ):
            done = children.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        stamp.write_text("\n".join(pins))
    return python


def _pins() -> Iterator[str]:
    for file in (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"):
        for line in file.read_text().splitlines():
            if line.startswith("Django=="):
                yield f"Django=={VERSION}"
            elif line and not line.startswith(NOT_NEEDED):
                yield line


@lru_cache(maxsize=1)
def newer_python() -> str | None:
    """A Python that the newest Django runs on."""
    names = [f"python3.{minor}" for minor in (14, 13, 12)]
    found = [path for name in names if (path := shutil.which(name))]
    found += map(str, sorted(Path.home().glob(".pyenv/versions/*/bin/python"), reverse=True))
    for path in [sys.executable, *found]:
        check = f"import ensurepip, sys; sys.exit(not (3, 15) > sys.version_info >= {PYTHON})"
        if not subprocess.run([path, "-c", check], capture_output=True).returncode:
            return path
    return None
