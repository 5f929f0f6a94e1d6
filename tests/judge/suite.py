"""Django's own test suite, from the source archive of the version that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import django


def tests() -> Path:
    """The folder of its tests, downloaded once and kept outside of this repository."""
    version = django.get_version()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "planets-judge"
    folder = home / f"django-{version}" / "tests"
    if not (folder / "runtests.py").exists():
        home.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        wanted = ["--no-deps", "--no-binary", ":all:", "--dest", str(home), f"django=={version}"]
        subprocess.run([*pip, *wanted], check=True)
        (archive,) = home.glob(f"[dD]jango-{version}.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(home, filter="data")
    return next(home.glob(f"[dD]jango-{version}")) / "tests"
