"""Whole pages as reads to measure."""

from __future__ import annotations

import threading
from http import HTTPStatus

from ..reads import NothingToRead, Read
from ..visit import Visitor


def page(url: str) -> Read:
    """A whole page, through middleware, view and template. Raises NothingToRead."""
    here = threading.local()

    def get() -> int:
        if not hasattr(here, "visitor"):
            here.visitor = Visitor(secure=True)
        status: int = here.visitor.get(url)
        return status

    if not url.startswith("/"):
        raise NothingToRead(f"--url is {url!r}, must be a path of this site, as /cities/3/.")
    if (status := get()) != HTTPStatus.OK:
        raise NothingToRead(f"--url {url!r} answers {status}, must be a page that answers 200.")
    return Read(url, "the whole page", get)
