"""Whose data lies in Redis: of two databases that have one name, keys cannot tell which is meant.

Staging and production may each have a database called `shop`, on servers of their own, and by
mistake one Redis and one PREFIX. So a database is known by its server, and one at a time has the
right to a name: its owner.

    owner:{gen:shop:*}   who has it. Each greeting renews it; LAPSE after the last one it is
                            free. Whoever finds another there does not use this Redis.
    gen:shop:*           under whom it was opened. Who takes a name over from another makes all
                            that stands behind this gate unreachable, as in another run.

Both stand in the greeting, so a fetch asks nothing more. A database that has moved to another
server, as by a failover, is another one: its processes do without Redis until the last of them has
left the old server for LAPSE, and begin with nothing. CACHE_ASIDE["DATABASE_ID"], where it is set,
is the identity instead: who says so answers for it that it is the same data.

Writes close and open gates whoever owns them: that costs others a miss, and never a wrong value.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from ..conf import conf
from . import clock, keys, places

logger = logging.getLogger(__name__)

# Seconds. Longer than a process may be busy between two greetings while others of it go on.
LAPSE = 60.0
HEARD = 5.0  # what was heard of another owner is asked again after it

# MySQL's is made once for a data directory. MariaDB has none: a copy of a machine, an image or a
# container differs in one of these. Its server_uid, of late versions, holds the network address.
OF_MYSQL = ("SELECT @@server_uuid",)
_OF_PLACE = "SELECT @@hostname, @@port, @@socket, @@datadir"
OF_MARIADB = (f"{_OF_PLACE}, @@server_uid", _OF_PLACE)

UNKNOWN = ""
REFUSAL = "Redis is in use by another database of the same name"
STRAYED = "its connection leads to another database server than a later one of this process"
REMEDY = (
    "Give each site a PREFIX of its own in CACHE_ASIDE. Where it is the same database, moved to "
    "another server, it is taken over a minute after the last process has left the old one; "
    "DATABASE_ID in CACHE_ASIDE, the same in all processes, names it whatever server it is on."
)


class Owners:
    """What this process knows of its own databases, and of who owns their names in Redis."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None  # tells who greets
        self._ids: dict[tuple[str, str], str] = {}
        self.moved = False  # a connection has led to another server than one before
        self._tried: set[str] = set()
        self._told: set[str] = set()
        self.others: dict[str, float] = {}  # gate to when it was heard that another has it

    def forget(self) -> None:
        """The settings have changed."""
        self.others = {}
        self._tried.clear()
        self._told.clear()

    # --- our own databases

    def of(self, gate: str) -> str:
        """The identity of the database behind a gate of everything; UNKNOWN where it has not told.

        Of several aliases with a database of this name the first one speaks.
        """
        alias = next((a for a in _primaries() if gate in keys.database_gates(a)), None)
        if alias is None:
            return UNKNOWN
        if named := conf().DATABASE_ID:
            return _digest(named)
        return self._ids.get(_place(alias), UNKNOWN)

    def learn(self, connection: Any) -> None:
        """A connection was made: ask its server who it is. A replica's primary speaks for it."""
        if places.primary(connection.alias):
            return
        place, told = _place(connection.alias), _ask(connection)
        connection.cache_aside_server = told
        if told and told != (known := self._ids.get(place, UNKNOWN)):
            self._ids[place] = told
            self.moved = self.moved or known != UNKNOWN
            self.changed()

    def strayed(self, connection: Any) -> str:
        """Why nothing is to be cached of a connection: it leads to another server than the last."""
        if not self.moved or conf().DATABASE_ID:
            return ""
        told = getattr(connection, "cache_aside_server", UNKNOWN)
        return STRAYED if told and told != self._ids.get(_place(connection.alias), told) else ""

    def meet(self, alias: str) -> None:
        """Before the first fetch of a process, which may be a hit: connect once, to be told."""
        alias = places.primary(alias) or alias or DEFAULT_DB_ALIAS
        if alias in self._tried:
            return
        self._tried.add(alias)
        if not conf().DATABASE_ID and _place(alias) not in self._ids:
            try:
                connections[alias].ensure_connection()
            except Exception as error:
                # It is away, or may not be asked here (in a test, in an event loop). Nothing is
                # loaded without it, and the first connection that is made will tell.
                logger.debug("Database %r has not told who it is: %s", alias, error)

    # --- others

    def hear(self, gates: Iterable[str], told: Iterable[bytes]) -> None:
        """What the greeting replied for each gate: see lua/recall.lua."""
        for gate, answer in zip(gates, told, strict=False):
            if answer.startswith(b"is "):
                self.others = {**self.others, gate: clock.now()}
                self._tell_once(
                    gate, logging.ERROR, f"Nothing of it is cached: {REFUSAL}. {REMEDY}"
                )
            elif gate in self.others:
                self.others = {g: at for g, at in self.others.items() if g != gate}
            if answer.startswith(b"was "):
                self._tell_once(
                    gate,
                    logging.WARNING,
                    "What is cached of it was another's, of the same name, and is unreachable "
                    f"now. {REMEDY}",
                )

    def foreign(self, names: Iterable[Any], *, within: float = float("inf")) -> str:
        """Why what stands behind one of these must not be used; "" where it may.

        Of what was heard longer than `within` ago nothing is known.
        """
        if others := self.others:
            now = clock.now()
            if any(now - others[name] < within for name in names if name in others):
                return REFUSAL
        return ""

    def _tell_once(self, gate: str, level: int, what: str) -> None:
        if gate + what not in self._told:
            self._told.add(gate + what)
            logger.log(level, "Database %r: %s", gate.split(":")[-2], what)


def _primaries() -> Iterable[str]:
    return (alias for alias in connections if not places.primary(alias))


def _place(alias: str) -> tuple[str, str]:
    """Tests give an alias another database."""
    return alias, places.database_name(alias)


def _ask(connection: Any) -> str:
    """UNKNOWN where the server does not tell."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        try:
            return _digest(platform.node(), os.stat(name).st_ino)
        except (OSError, ValueError):
            return _digest(platform.node(), name)  # in memory
    if connection.vendor != "mysql":
        return UNKNOWN
    driver = connection.connection
    mariadb = "mariadb" in driver.get_server_info().lower()
    for question in OF_MARIADB if mariadb else OF_MYSQL:
        try:
            # Past Django's wrappers: this is no statement of the application's.
            with driver.cursor() as cursor:
                cursor.execute(question)
                return _digest(cursor.fetchone())
        except connection.Database.Error as error:
            logger.debug("Database %r does not tell who it is: %s", connection.alias, error)
    return UNKNOWN


def _digest(*parts: Any) -> str:
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


owners = Owners()
