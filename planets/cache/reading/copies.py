"""A value for each caller, whose own it is to change, of bytes that were unpacked before.

What cannot be changed, as numbers, texts, dates and tuples of such, all callers share; each has
lists, dicts and sets of its own. To copy those takes a fraction of what unpacking takes. Bytes that
are met for the second time are unpacked for the last one: what they hold is a matter of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, cast

from ..recent import Recent
from .codec import EXTENSIONS, NATIVE
from .tree import decode
from .weight import of_tree

KEPT_BYTES = 4_194_304
LARGEST = KEPT_BYTES // 8  # or one would leave no room for others
DEEPEST = 32  # levels; below them nothing is copied
SLOT = 300  # bytes that one takes, besides the packed value and the unpacked one; measured
CLOSURE, PART = 500, 80  # bytes of what copies parts of one shape, and for each of them; measured

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
            _patterns.put(data, ONCE, SLOT + len(data))
        return decode(data)
    if known is NEVER:
        return decode(data)
    if known is ONCE:
        value = decode(data)
        known, size = _pattern(value)
        _patterns.put(data, known, SLOT + len(data) + size)
        if known is NEVER:
            return value
    return known.value if known.copy is None else known.copy(known.value)


def _pattern(value: Any) -> tuple[Pattern, int]:
    """How a value is copied, and what that takes in memory with it."""
    copiers, size = Copiers(), of_tree(value)
    if size > LARGEST:
        return NEVER, 0
    try:
        pattern = Pattern(value, copiers.of(value))
    except NotKnown:
        return NEVER, 0
    size += copiers.bytes
    return (pattern, size) if size <= LARGEST else (NEVER, 0)


class Copiers:
    """What copies a value, and the same for all parts of one shape, as the rows of a table are."""

    def __init__(self) -> None:
        self._made: dict[tuple[Hashable, tuple[Any, ...]], Copy] = {}

    @property
    def bytes(self) -> int:
        """What they take in memory, counted."""
        return sum(CLOSURE + PART * len(shape) for _, shape in self._made)

    def of(self, value: Any, depth: int = 0) -> Copy | None:
        """What copies this value; None where nothing of it can be changed. Raises NotKnown."""
        kind = type(value)
        if kind in SHARED:
            return None
        if depth > DEEPEST:
            raise NotKnown(f"deeper than {DEEPEST} levels")
        if kind is dict:
            parts = [(key, self.of(part, depth + 1)) for key, part in value.items()]
            copies = tuple((key, copy) for key, copy in parts if copy)
            return self._once(copies, _of_dict) if copies else dict.copy
        if kind not in GROUPS:
            raise NotKnown(f"a {kind.__qualname__}")
        parts_of_group = tuple(self.of(part, depth + 1) for part in value)
        if any(parts_of_group):
            alike = len({*parts_of_group}) == 1
            make, shape = (_of_all, parts_of_group[:1]) if alike else (_of_each, parts_of_group)
            return self._once((kind, *shape), make)
        return cast("Copy", kind.copy) if kind in CHANGEABLE else None

    def _once(self, shape: tuple[Any, ...], make: Callable[..., Copy]) -> Copy:
        name = make, shape
        if name not in self._made:
            self._made[name] = make(*shape)
        return self._made[name]


def _of_dict(*copies: tuple[Any, Copy]) -> Copy:
    def copy(value: dict[Any, Any]) -> dict[Any, Any]:
        made = value.copy()
        for key, each in copies:
            made[key] = each(made[key])
        return made

    return copy


def _of_all(kind: Any, copy: Copy) -> Copy:
    """Of a group whose parts are of one shape."""
    return lambda value: kind(map(copy, value))


def _of_each(kind: Any, *copies: Copy | None) -> Copy:
    return lambda value: kind(
        copy(part) if copy else part for copy, part in zip(copies, value, strict=True)
    )
