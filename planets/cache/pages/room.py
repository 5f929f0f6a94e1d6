"""Room on the interpreter's stack, for what is called deep in it.

CPython keeps the frames of Python's functions in chunks of 16 KB, and before its late releases
(python/cpython#142183) gave a chunk back to the system as soon as its last frame had ended. A loop
that calls a function at just the depth where a chunk ends then has memory mapped and unmapped for
each call. A page is made deep in the stack, by templates within templates, and whether it meets
such an end is chance: a fraction of its time, or none of it.

A frame that wants more than a chunk is given a larger one, and what it calls has the rest of it.
The frame is 264 KB of address space, of which only what is written to takes memory; whoever keeps a
traceback keeps it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

SLOTS = 33_000  # just above a power of two in bytes: as much again is left to others


def with_room(call: Callable[[T], R], argument: T) -> R:
    """call(argument), with room for some thousand calls within it."""
    return call(argument)


with_room.__code__ = with_room.__code__.replace(co_stacksize=SLOTS)
