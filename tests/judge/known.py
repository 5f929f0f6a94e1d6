"""Which tests of Django's suite cannot pass here. None of the reasons is a wrong value."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch

# By fnmatch. A test that fails with commits and without the cache, too, need not be listed.
KNOWN: dict[str, tuple[str, ...]] = {}


def reason(test: str) -> str:
    """Why it is known to fail; "" where it is not."""
    return next((why for why, names in KNOWN.items() if _matches(test, names)), "")


def _matches(test: str, names: Iterable[str]) -> bool:
    return any(fnmatch(test, name) for name in names)
