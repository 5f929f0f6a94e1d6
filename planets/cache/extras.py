"""Optional libraries. Each comes with an extra of the wheel, and only who uses it imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(ImportError):
    """An optional library is not installed; says how to install it."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around the import of what this extra of the wheel brings. Raises MissingExtra."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{error.name} is not installed: pip install 'django-cache-aside[{name}]'",
            name=error.name,
        ) from error
