"""REDIS_URL: the address of one server, of a cluster, or of the sentinels that name a primary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.ipv6 import is_valid_ipv6_address
from redis.connection import ConnectionPool
from redis.exceptions import RedisError

from .environment import text

# By the names that clients have for them: redis+sentinel is of Prefect, LangChain and limits,
# redis-sentinel of Lettuce and fred, valkey of valkey-py. Not sentinel://, for what it means to
# kombu is said by options.
SCHEME = re.compile(r"(?:redis|valkey)(s?)(?:[+-](cluster|sentinel))?|unix", re.I)
SCHEMES = (
    "redis://host:port/number, rediss:// for TLS, unix:///path, "
    "redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/service"
)
HOST = re.compile(r"(?:\[(?P<ipv6>[\da-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>\d{1,5}))?", re.I)
SERVICE = re.compile(r"/(?P<service>(?!\d+(?:/|$))[\w.-]+)(?:/(?P<number>\d+)?)?", re.ASCII)
NUMBER = re.compile(r"/?(?P<number>\d*)", re.ASCII)
PORTS = {"": 6379, "cluster": 6379, "sentinel": 26379}


class Address(NamedTuple):
    kind: str  # "cluster", "sentinel", or "" for one server
    tls: bool
    # LOCATION in CACHES: the server, the nodes, or the service. A list, for in a text commas would
    # stand between a primary and its replicas; of one but for a cluster, so that all goes to the
    # primary, reads too. A replica may be late.
    location: list[str]
    sentinels: Sequence[tuple[str, int]] = ()
    service: str = ""


def redis_address(name: str, default: Any) -> Address:
    """What the variable says. Raises ImproperlyConfigured, without the password that is in it."""
    url = text(name, default, "the address of Redis, as redis://127.0.0.1:6379/0")
    try:
        return parse(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}.") from None


def parse(url: str) -> Address:
    """Raises ValueError with what is wrong of it; of what stands before an @, nothing is told."""
    scheme, _, rest = url.partition("://")
    known = SCHEME.fullmatch(scheme)
    if not known or not rest:
        raise ValueError(f"must be {SCHEMES}; its scheme is {scheme if rest else ''!r}")
    if scheme.lower() == "unix":
        if not re.match(r"(?:[^/?#]*@)?/[^?#]", rest):
            raise ValueError("names no socket, must be unix:///path")
        return Address("", False, [_usable(f"unix://{rest}")])
    tls, kind = bool(known[1]), (known[2] or "").lower()
    authority, path, options = _split(rest)
    login, at, there = authority.rpartition("@")
    hosts = list(_hosts(there, PORTS[kind]))
    plain = f"redis{'s' if tls else ''}://{login}{at}"
    if not kind:
        if len(hosts) > 1:
            raise ValueError(
                f"names {len(hosts)} hosts, and {scheme}:// is one server: begin it with "
                f"{scheme}+cluster:// or {scheme}+sentinel://"
            )
        if not NUMBER.fullmatch(path):
            raise ValueError("must end with the number of a database, as /0, after the host")
        return Address("", tls, [_usable(f"{plain}{there}{path}{options}")])
    if options:
        raise ValueError(f"has options after a ?, which {scheme}:// does not take: leave them out")
    if "@" in login:
        raise ValueError(
            "has more than one @: user:password@ stands once, before the first host, and an @ in a "
            "password is written as %40"
        )
    if kind == "cluster":
        if (number := path.strip("/")) not in ("", "0"):
            raise ValueError(f"names database {number!r}, and a cluster has only 0: leave it out")
        return Address(kind, tls, [f"{plain}{node}" for node in there.split(",")])
    said = SERVICE.fullmatch(path)
    if not said:
        raise ValueError(
            "must end with the service that the sentinels watch, and perhaps a number of a "
            f"database, as {scheme}://host:26379/mymaster/0"
        )
    # Whether it is over TLS, CONNECTION_POOL_KWARGS says: rediss:// would lead past the sentinels.
    url = f"redis://{login}{at}{said['service']}/{said['number'] or 0}"
    return Address(kind, tls, [url], hosts, said["service"])


def _split(rest: str) -> tuple[str, str, str]:
    """What names user and hosts; the path; and the options with their question mark."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    path = rest.removeprefix(authority)
    if ("@" in path and "@" not in authority) or "#" in path:
        raise ValueError(
            "has a / ? or # where user and password stand: write them as %2F, %3F and %23"
        )
    path, mark, options = path.partition("?")
    return authority, path, mark + options


def _hosts(there: str, port: int) -> Iterator[tuple[str, int]]:
    for word in there.split(","):
        host = HOST.fullmatch(word)
        right = host and (host["name"] or is_valid_ipv6_address(host["ipv6"]))
        if not host or not right or not 1 <= int(host["port"] or port) <= 65535:
            # What follows the colon may be a password, where the host was forgotten.
            named = "".join(word.partition("]")[:2]) if word[:1] == "[" else word.partition(":")[0]
            raise ValueError(
                f"names {named!r} as a host, must be host:port with a port from 1 to 65535, an "
                "IPv6 address in [ ], and user:password@ before the first"
            )
        yield host["ipv6"] or host["name"], int(host["port"] or port)


def _usable(url: str) -> str:
    """The address, where redis-py makes connections of it: it knows what may follow a ?."""
    try:
        ConnectionPool.from_url(url).make_connection()
    except (RedisError, TypeError, ValueError):
        names = ", ".join(parse_qs(urlsplit(url).query)) or "none"
        raise ValueError(f"has options that redis-py does not take so: {names}") from None
    return url
