"""A value for each caller, whose own it is to change, of bytes that were unpacked before.

What cannot be changed, as numbers, texts, dates and tuples of such, all callers share; each has
lists, dicts and sets of its own. To copy those takes a fraction of what unpacking takes. Bytes that
are met for the second time are unpacked for the last one: what they hold is a matter of them alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..recent import Recent
from .codec import EXTENSIONS, NATIVE
from .tree import decode
from .weight import of_tree

KEPT_BYTES = 4_194_304
LARGEST = KEPT_BYTES // 8  # or one would leave no room for others
DEEPEST = 32  # levels; below them nothing is copied

SHARED = NATIVE | EXTENSIONS.keys()
GROUPS = frozenset({list, tuple, set, frozenset})
CHANGEABLE = frozenset({list, set})
Copy = Callable[[Any], Any]


class Pattern(NamedTuple):
    """A value that nobody is given, and what makes a copy of it; None: it may be shared."""

    value: Any
    copy: Copy | None


ONCE, NEVER = Pattern(None, None), Pattern(None, None)
_patterns: Recent[bytes, Pattern] = Recent(KEPT_BYTES)


class NotKnown(Exception):
    """How a value is copied is not known here."""


def value_of(data: bytes) -> Any:
    """What `tree.encode` made these bytes of. Raises Undecodable."""
    known = _patterns.get(data)
    if known is None:
        if len(data) <= LARGEST:
            _patterns.put(data, ONCE, len(data))
        return decode(data)
    if known is NEVER:
        return decode(data)
    if known is ONCE:
        known = _pattern(decode(data))
        _patterns.put(data, known, len(data) + of_tree(known.value))
        if known is NEVER:
            return decode(data)
    return known.value if known.copy is None else known.copy(known.value)


def _pattern(value: Any) -> Pattern:
    if of_tree(value) > LARGEST:
        return NEVER
    try:
        return Pattern(value, copier(value))
    except NotKnown:
        return NEVER


def copier(value: Any, depth: int = 0) -> Copy | None:
    """What copies this very value; None where nothing of it can be changed. Raises NotKnown."""
    kind = type(value)
    if kind in SHARED:
        return None
    if depth > DEEPEST:
        raise NotKnown(f"deeper than {DEEPEST} levels")
    if kind is dict:
        parts = {key: copier(part, depth + 1) for key, part in value.items()}
        copies = {key: copy for key, copy in parts.items() if copy}
        return _dict_of(copies) if copies else dict.copy
    if kind not in GROUPS:
        raise NotKnown(f"a {kind.__qualname__}")
    copies_of_parts = [copier(part, depth + 1) for part in value]
    if any(copies_of_parts):
        return _group_of(kind, copies_of_parts)
    own: Copy | None = getattr(kind, "copy", None) if kind in CHANGEABLE else None
    return own


def _group_of(kind: Any, copies: list[Copy | None]) -> Copy:
    first = copies[0]
    if first and all(copy is first for copy in copies):  # rows, as a rule
        return lambda value: kind(map(first, value))
    return lambda value: kind(
        copy(part) if copy else part for copy, part in zip(copies, value, strict=True)
    )


def _dict_of(copies: dict[Any, Copy]) -> Copy:
    def copy(value: dict[Any, Any]) -> dict[Any, Any]:
        made = value.copy()
        for key, each in copies.items():
            made[key] = each(made[key])
        return made

    return copy
