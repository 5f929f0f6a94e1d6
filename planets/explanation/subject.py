"""The page that is explained: one of the site's cached pages, and no other."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from django.urls import Resolver404, get_script_prefix, resolve
from django.utils.encoding import iri_to_uri

from ..cache.pages import policy_of

LONGEST = 2_000  # characters of an address


class Subject(NamedTuple):
    address: str  # as a browser asks for it
    path: str  # as path_info has it
    query: str


def subject_of(address: str) -> Subject | None:
    """The cached page of this address; None for any other: the admin's are nobody's to look at."""
    address = iri_to_uri(address) or ""
    prefix = get_script_prefix()
    try:
        parts = urlsplit(address)
    except ValueError:  # a [ without its ]
        return None
    if len(address) > LONGEST or parts.scheme or parts.netloc:
        return None
    if not parts.path.startswith(prefix):
        return None
    path = "/" + unquote(parts.path).removeprefix(prefix)
    try:
        policy = policy_of(resolve(path).func)
    except Resolver404:
        return None
    return Subject(address, path, parts.query) if policy else None
