"""The reads of a site, by name: what it wants warmed and measured.

`CACHE_ASIDE["READS"]` names a module of the site's with these functions:

    measured() -> Iterable[Read]                  what measure_cache times
    warmed()   -> Iterable[Callable[[], object]]  what warm_cache runs, besides all records
    warmed_count() -> int                         how many those are, about: for the progress bar
    pages()    -> Iterable[str]                   addresses of pages that warm_cache asks for

Each may be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .conf import conf


class NothingToRead(Exception):
    """The site, or an address, has nothing that could be measured; says what is to be done."""


@dataclass(frozen=True)
class Read:
    """Something that a page reads."""

    name: str
    what: str  # it in words
    run: Callable[[], object]


def measured() -> list[Read]:
    """The site's reads to measure; none where it names none.

    Raises ImproperlyConfigured, NothingToRead.
    """
    return list(_of_site("measured", ()))


def warmed() -> Iterable[Callable[[], object]]:
    """The site's reads to warm; none where it names none. Raises ImproperlyConfigured."""
    return _of_site("warmed", ())


def warmed_count() -> int:
    """How many `warmed` will give, about; 0 where it is not told. Raises ImproperlyConfigured."""
    return int(_of_site("warmed_count", 0))


def pages() -> Iterable[str]:
    """Addresses of the site's pages to warm; none where it names none.

    Raises ImproperlyConfigured.
    """
    return _of_site("pages", ())


def _of_site(name: str, default: Any) -> Any:
    module = _module()
    return getattr(module, name)() if hasattr(module, name) else default


def _module() -> ModuleType | None:
    path = conf().READS
    if not path:
        return None
    try:
        return import_module(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"CACHE_ASIDE['READS'] is {path!r}, must be a module that can be imported: {error}."
        ) from error
