"""Where in the site's own code a statement comes from: `views.py:31`."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import FrameType

import django

LAYER = Path(__file__).resolve().parents[2]
INSTALLED = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
LIBRARIES = tuple(
    f"{os.path.realpath(path)}{os.sep}"
    for path in (str(LAYER), os.path.dirname(django.__file__), *INSTALLED)
)
DEEPEST = 100  # frames


def caller() -> str:
    """The nearest line that is no library's; "" where there is none."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEEPEST):
        if frame is None:
            break
        if name := _own(frame.f_code.co_filename):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@lru_cache(maxsize=2048)
def _own(file: str) -> str:
    """The file's name as it is shown; "" of a library's."""
    if file.startswith("<") or os.path.realpath(file).startswith(LIBRARIES):
        return ""
    here = f"{os.getcwd()}{os.sep}"
    return file.removeprefix(here)
