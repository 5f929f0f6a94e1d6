"""Which lines of a project asked: the stack, without what is Django's, a library's or ours."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
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
    return tuple(f"{at} in {name}" for at, name in islice(_sites(), DEEPEST))


def caller() -> str:
    """`<file>:<line>` of the innermost; "" where none is a project's."""
    return next(_sites(), ("", ""))[0]


def _sites() -> Iterator[tuple[str, str]]:
    """The lines of a project on the stack, each with its function."""
    frame = sys._getframe(1)
    while frame is not None:
        if name := _shown(frame.f_code.co_filename):
            yield f"{name}:{frame.f_lineno}", frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]


@lru_cache(maxsize=2048)
def _shown(filename: str) -> str:
    """Relative to where the program was started, where it is below; "" for what is elsewhere."""
    if filename.startswith((*ELSEWHERE, "<")):
        return ""
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename
