"""The Lua scripts in lua/: what must happen in Redis as one step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .wire import Command


@cache
def text(name: str) -> str:
    """The text of lua/<name>.lua. It is sent whole: a restarted Redis has forgotten every SHA."""
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


def script(name: str, keys: Sequence[str], *args: Any) -> Command:
    """The command that runs lua/<name>.lua on these keys."""
    return ("EVAL", text(name), len(keys), *keys, *args)
