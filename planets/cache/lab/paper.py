"""The directory of a report: tried before the work, written after it."""

from __future__ import annotations

import os
import platform
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from . import charts


class NotWritable(Exception):
    """A report could not be written there."""


def usable(directory: Path) -> Path:
    """The directory, made where it was missing. Raises NotWritable, MissingExtra."""
    charts.library()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        raise NotWritable(f"No report can be written to {str(directory)!r}: {error}") from error


def write(directory: Path, name: str, context: dict[str, Any]) -> Path:
    """Render the template cache_aside/lab/<name> to one file that needs no other.

    Raises NotWritable.
    """
    context = {
        "made": datetime.now().astimezone(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        **context,
    }
    path = directory / name
    try:
        path.write_text(render_to_string(f"cache_aside/lab/{name}", context), encoding="utf-8")
    except OSError as error:
        raise NotWritable(f"{str(path)!r} cannot be written: {error}") from error
    return path
