"""What is wrong with the address, or the login, of Redis: in one line, with the remedy.

A sentinel, a server that wants TLS or knows none, a database or a web server all answer a client of
Redis with errors that name anything but the mistake. So after a failure the address is asked once
more, by a few plain bytes, who is there. That may take as long as its timeouts: it is done by the
checks and by the thread that tries to reach Redis again, and no page waits for it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from redis.cluster import RedisCluster
from redis.connection import SSLConnection
from redis.exceptions import AuthenticationError, ClusterCrossSlotError, MovedError

QUESTION = b"ROLE\r\n"
PATIENCE = 1.0  # seconds for an answer, where the settings name no timeout
ENOUGH = 64  # bytes of an answer, which tell whose it is

NO_CLUSTER = "Cluster mode is not enabled"
NO_SUCH_NUMBER = "DB index is out of range"


class Mistake(NamedTuple):
    """What is there, and what to do."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}"


ONE_OF_A_CLUSTER = Mistake(
    "The Redis of CACHE_ASIDE is one node of a Redis Cluster, and is asked as if it were alone",
    "Name the cluster: a CONNECTION_FACTORY in OPTIONS of that cache in CACHES, such as "
    "ClusterConnectionFactory in cluster.py of the cache's app.",
)


def mistake(redis: Any, error: BaseException | None) -> Mistake | None:
    """What the failure of a client comes from, if it is a mistake that is known.

    `redis` is None where not even a client could be made.
    """
    if NO_CLUSTER in str(error):
        return Mistake(
            "The Redis of CACHE_ASIDE is one server, and is asked as if it were a cluster",
            "Leave CONNECTION_FACTORY out of OPTIONS of that cache in CACHES.",
        )
    if redis is None or isinstance(redis, RedisCluster):
        return None
    if isinstance(error, MovedError | ClusterCrossSlotError):
        return ONE_OF_A_CLUSTER
    pool = redis.connection_pool
    options: Mapping[str, Any] = pool.connection_kwargs
    if is_refused_login(error):
        return _of_login(options)
    if NO_SUCH_NUMBER in str(error):
        return Mistake(
            f"The Redis of CACHE_ASIDE has no database {options.get('db')}",
            "Its number stands at the end of LOCATION in CACHES; `databases` in the configuration "
            "of Redis says how many there are, 16 where it says nothing.",
        )
    if "host" not in options:
        return None  # by a socket, or whoever the sentinels name
    over_tls = issubclass(pool.connection_class, SSLConnection)
    return _at(options, over_tls=over_tls)


def is_refused_login(error: object) -> bool:
    """Redis does not know the user, or the password."""
    return isinstance(error, AuthenticationError) or "NOAUTH" in str(error)


def _of_login(options: Mapping[str, Any]) -> Mistake:
    if options.get("password") or options.get("credential_provider"):
        return Mistake(
            "Redis refuses the user or the password that CACHES has",
            "In LOCATION they stand as user:password@ before the host, with @ as %40 and / as %2F.",
        )
    return Mistake(
        "Redis wants a password, and CACHES has none",
        "Give it in LOCATION, as redis://user:password@host, or in OPTIONS.",
    )


def _at(options: Mapping[str, Any], *, over_tls: bool) -> Mistake | None:
    """Who is at an address, if it is not a Redis that speaks as it is spoken to."""
    place = (str(options["host"]), int(options.get("port", 6379)))
    patience = options.get("socket_connect_timeout") or PATIENCE
    at = f"{place[0]}:{place[1]}"
    said = _ask(place, patience)
    if said is None:
        return None  # nobody is there
    if stranger := _stranger(said):
        return Mistake(
            f"{at}, the address of Redis in CACHES, is {stranger}",
            "Redis itself listens on another port, 6379 if nobody has changed it.",
        )
    if said[:1] in (b"*", b"-", b"+"):
        if over_tls:
            return Mistake(
                f"The Redis at {at} speaks no TLS, and LOCATION in CACHES begins with rediss://",
                "Begin it with redis://, or use the port that Redis has for TLS (tls-port).",
            )
        if b"sentinel" in said:
            return Mistake(
                f"{at}, the address of Redis in CACHES, is a sentinel, which has no data",
                "Name the service that it watches: django-redis has a SentinelClient, which takes "
                "SENTINELS in OPTIONS.",
            )
        return None
    if not over_tls and _speaks_tls(place, patience):
        return Mistake(
            f"The Redis at {at} wants TLS, and LOCATION in CACHES begins with redis://",
            "Begin it with rediss://, and name its authority (ssl_ca_certs) in "
            "CONNECTION_POOL_KWARGS.",
        )
    return None


def _ask(place: tuple[str, int], patience: float) -> bytes | None:
    """How whoever is there begins; b"" where he says nothing that we wait for, None: nobody."""
    try:
        connection = socket.create_connection(place, patience)
    except OSError:
        return None
    with connection, suppress(OSError):
        connection.settimeout(patience)
        connection.sendall(QUESTION)
        return connection.recv(ENOUGH)
    return b""


def _stranger(said: bytes) -> str:
    """Who begins like that; "" of one who may be a Redis, or wants TLS."""
    if said[:5] == b"HTTP/" or said[:1] == b"<":
        return "a web server"
    if said[3:4] == b"\0" and said[4:5] in (b"\n", b"\xff"):  # its packet, sent before it is asked
        return "a MySQL or MariaDB server"
    if said[:4] == b"SSH-":
        return "an SSH server"
    return ""


def _speaks_tls(place: tuple[str, int], patience: float) -> bool:
    """Whoever he is: what he says is not believed, so nothing is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, patience) as connection,
            context.wrap_socket(connection, server_hostname=place[0]),
        ):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # he understood, and wants to see a certificate
    except OSError:
        return False
