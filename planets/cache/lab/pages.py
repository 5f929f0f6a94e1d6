"""Whole pages as reads to measure."""

from __future__ import annotations

import threading
from http import HTTPStatus

from django.conf import settings
from django.test import Client

from ..reads import NothingToRead, Read


def page(url: str) -> Read:
    """A whole page, through middleware, view and template. Raises NothingToRead."""
    clients = threading.local()

    def get() -> int:
        if not hasattr(clients, "client"):
            clients.client = Client(headers={"host": host()})
        return int(clients.client.get(url, secure=True).status_code)

    if not url.startswith("/"):
        raise NothingToRead(f"--url is {url!r}, must be a path of this site, as /cities/3/.")
    if (status := get()) != HTTPStatus.OK:
        raise NothingToRead(f"--url {url!r} answers {status}, must be a page that answers 200.")
    return Read(url, "the whole page", get)


def host() -> str:
    """A host that the site answers to."""
    named = [name for name in settings.ALLOWED_HOSTS if name != "*"]
    return named[0].lstrip(".") if named else "localhost"
