"""Which lines of a project asked: the stack, without what is Django's, a library's or ours."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import django

DEEPEST = 12  # lines of a stack that are told

# Code that nobody has to look at to find out why something was fetched.
ELSEWHERE = tuple(
    f"{Path(folder)}/"
    for folder in (
        str(Path(__file__).parents[1]),
        str(Path(django.__file__).parent),
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)


def stack() -> tuple[str, ...]:
    """`<file>:<line> in <function>` of each, the innermost first; () where none is a project's."""
    found: list[str] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < DEEPEST:
        code = frame.f_code
        if not code.co_filename.startswith((*ELSEWHERE, "<")):
            found.append(f"{_short(code.co_filename)}:{frame.f_lineno} in {code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)


def _short(filename: str) -> str:
    """Relative to where the program was started, where it is below."""
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename
