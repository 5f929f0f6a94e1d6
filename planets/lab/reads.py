"""What is measured: the site's own reads, by name, and whole pages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.test import Client

from planets.cache import disabled
from planets.models import Moon, Planet
from planets.records import planet, planets


class NothingToRead(Exception):
    """The database, or an address, has nothing that could be measured."""


@dataclass(frozen=True)
class Read:
    name: str
    what: str
    run: Callable[[], object]


def site_reads() -> list[Read]:
    """The reads of the site's pages. Raises NothingToRead where there are no planets."""
    with disabled():
        some = list(Planet.objects.order_by("id")[:3])
    if not some:
        raise NothingToRead("There are no planets: run seed_planets or make_planets first.")
    first, ids = some[0], [one.pk for one in some]
    search = first.name
    return [
        Read("detail", "one planet by its id, from its hash", lambda: planet(first.pk)),
        Read("compare", f"{len(ids)} planets by their ids, at once", lambda: planets(ids)),
        Read("list", "all planets in order", lambda: list(Planet.objects.in_order())),
        Read(
            "filter",
            "the gas giants, the heaviest first",
            lambda: list(Planet.objects.listed(kind="gas-giant", sort="mass", descending=True)),
        ),
        Read(
            "search",
            f"planets whose name contains {search!r}",
            lambda: list(Planet.objects.listed(search=search)),
        ),
        Read("join", "all moons with their planets", lambda: list(Moon.objects.listed())),
    ]


def page(url: str) -> Read:
    """A whole page, through middleware, view and template. Raises NothingToRead."""
    clients = threading.local()

    def get() -> int:
        if not hasattr(clients, "client"):
            clients.client = Client(headers={"host": host()})
        return int(clients.client.get(url, secure=True).status_code)

    if not url.startswith("/"):
        raise NothingToRead(f"--url is {url!r}, must be a path of this site, as /planets/3/.")
    if (status := get()) != HTTPStatus.OK:
        raise NothingToRead(f"--url {url!r} answers {status}, must be a page that answers 200.")
    return Read(url, "the whole page", get)


def host() -> str:
    """A host that the site answers to."""
    named = [name for name in settings.ALLOWED_HOSTS if name != "*"]
    return named[0].lstrip(".") if named else "localhost"
