"""What a replica has applied, and whether it answers at all, as this process knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.core.signals import setting_changed
from django.db import DatabaseError, InterfaceError, connections

from ..conf import conf
from ..storage.position import UNKNOWN, gtids_of, order_of
from ..writing.primary import is_mariadb
from .away import is_away

logger = logging.getLogger(__name__)

OF_MYSQL = "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)"
OF_MARIADB = "SELECT MASTER_GTID_WAIT(%s, %s)"
# Seconds. A replica that was behind is asked again all the while, and not waited for; one that
# could not be reached is not asked: to connect may take long.
BEHIND, UNREACHABLE = 0.5, 5.0
AT_ONCE = 0.001  # 0 means for ever to MySQL
PROVEN = 64  # positions that a connection's replica is known to have applied

_behind: dict[str, float] = {}  # alias to when it may be waited for again
_unreachable: dict[str, float] = {}
_told: set[str] = set()


def is_there(alias: str) -> bool:
    """Whether this thread has a connection to a replica: for routers, which send plain reads to it.

    One that could not be reached is not tried again for a while.
    """
    if not _may_be_there(alias):
        return False
    connection: Any = connections[alias]
    try:
        connection.close_if_health_check_failed()
        connection.ensure_connection()
    except (DatabaseError, InterfaceError) as error:
        did_not_answer(alias, error)
        return False
    return True


def _may_be_there(alias: str) -> bool:
    return _unreachable.get(alias, 0.0) < time.monotonic()


def did_not_answer(alias: str, error: Exception) -> None:
    """Where it is away, leave it alone for a while; tell once."""
    if is_away(error):
        _unreachable[alias] = time.monotonic() + UNREACHABLE
    tell_once(f"The replica {alias!r} does not answer as it should: {error}")


def has_applied(alias: str, positions: Sequence[str]) -> bool:
    """Whether the replica, over this thread's connection, has all that these positions hold.

    Waits for it a moment.
    """
    if UNKNOWN in positions or not _may_be_there(alias):
        return False
    furthest = max(positions, key=order_of)
    connection: Any = connections[alias]
    try:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            driver = connection.connection
            proven = _proven(connection, driver)
            if furthest in proven:
                return True
            ask = OF_MARIADB if is_mariadb(driver) else OF_MYSQL
            patience = conf().REPLICA_WAIT if _is_waited_for(alias) else AT_ONCE
            # Past Django's wrappers: this is no statement of the application's.
            cursor.cursor.execute(ask, (gtids_of(furthest), patience))
            applied = bool(cursor.cursor.fetchone()[0] == 0)
    except (DatabaseError, InterfaceError) as error:
        did_not_answer(alias, error)
        return False
    if applied:
        if len(proven) >= PROVEN:
            proven.clear()
        proven.add(furthest)
    else:
        _behind[alias] = time.monotonic() + BEHIND
    return applied


def _is_waited_for(alias: str) -> bool:
    return _behind.get(alias, 0.0) < time.monotonic()


def _proven(connection: Any, driver: Any) -> set[str]:
    """What the server at the other end is known to have applied: another one may follow it."""
    known: tuple[Any, set[str]] = getattr(connection, "cache_aside_applied", (None, set()))
    if known[0] is not driver:
        known = connection.cache_aside_applied = (driver, set())
    return known[1]


def tell_once(what: str) -> None:
    """A warning, the first time that it is said."""
    if what not in _told and len(_told) < 100:
        _told.add(what)
        logger.warning("%s", what)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in ("CACHE_ASIDE", "DATABASES"):
        _behind.clear()
        _unreachable.clear()
        _told.clear()


setting_changed.connect(_forget)
