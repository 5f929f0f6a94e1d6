"""Asking for a page of this site as a visitor does, without a server."""

from __future__ import annotations

from django.conf import settings
from django.test import Client


class Visitor:
    """Asks the whole handler, middleware and all. Each thread needs one of its own."""

    def __init__(self, host: str = "", *, secure: bool | None = None) -> None:
        """`host` is the first that the site answers to, `secure` as the site wants its visitors."""
        self._client = Client(headers={"host": host or first_host()})
        self._secure = settings.SECURE_SSL_REDIRECT if secure is None else secure

    def get(self, address: str) -> int:
        """The status that an address answers."""
        return int(self._client.get(address, secure=self._secure).status_code)


def first_host() -> str:
    """A host that the site answers to."""
    named = [name for name in settings.ALLOWED_HOSTS if name != "*"]
    return named[0].lstrip(".") if named else "localhost"
