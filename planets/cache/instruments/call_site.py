"""Which lines of a project asked: the stack, without what is Django's, a library's or ours."""

from __future__ import annotations

import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import django
from django.urls import Resolver404, get_script_prefix, resolve

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


def view(path: str) -> str:
    """`<file>:<line> in <view>` of the view behind an address; "" where there is none.

    A page is asked for by the middleware that serves it, which nobody has to look at.
    """
    try:
        found = resolve("/" + path.removeprefix(get_script_prefix())).func
    except Resolver404:
        return ""
    return _place(found)


@lru_cache(maxsize=256)
def _place(found: Callable[..., Any]) -> str:
    made_of = inspect.unwrap(getattr(found, "view_class", found))
    try:
        file, line = inspect.getsourcefile(made_of), inspect.getsourcelines(made_of)[1]
    except (TypeError, OSError):  # what is callable otherwise, or has no source
        return ""
    name = getattr(made_of, "__qualname__", "")
    return f"{_shown(str(file)) or made_of.__module__}:{line} in {name}"


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
