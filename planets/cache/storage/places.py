"""Which database an alias of DATABASES names, and by what kind of connection."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connections

from ..conf import conf

PLAIN = re.compile(r"[\w.-]+", re.ASCII)
# What of a connection's settings cannot change a result; all else is part of its identity.
HARMLESS = frozenset(
    "ATOMIC_REQUESTS AUTOCOMMIT CONN_HEALTH_CHECKS CONN_MAX_AGE DISABLE_SERVER_SIDE_CURSORS "
    "PASSWORD TEST".split()
)
ADDRESS = frozenset(["HOST", "PORT"])
HARMLESS_OPTIONS = frozenset(
    "compress connect_timeout read_timeout write_timeout timeout transaction_mode ssl "
    "ssl_mode".split()
)

# Of a connection's settings, those that are looked at again each time.
TELLING = itemgetter("USER", "OPTIONS")
WHERE = itemgetter("NAME", "HOST", "PORT")


def database(alias: str) -> str:
    """The first alias that names the same database: a write by either must reach both."""
    mine = _place(alias)
    return next(other for other in connections if _place(other) == mine)


def database_name(alias: str) -> str:
    """The database's own name, as it stands in keys: the same in all processes of a site.

    A replica has that of its primary, which SAME_AS names.
    Not its address: one process may reach it by a socket, another through a proxy. Two databases
    of one name share gates, which costs a miss; their entries they do not share (`identity`).
    """
    same_as = conf().SAME_AS
    return _name(same_as.get(alias, alias) if same_as else alias)


def primary(alias: str) -> str:
    """The alias of the primary that a replica follows; "" of any other."""
    same_as = conf().SAME_AS
    return same_as.get(alias, "") if same_as else ""


def _name(alias: str) -> str:
    """The name that an alias itself gives."""
    told = connections.settings[alias]
    return _named(told["ENGINE"], str(told["NAME"])) or f"memory-{os.getpid()}"


def identity(alias: str) -> str:
    """A digest of all that makes the connections of an alias what they are.

    Another user may be forbidden what this one reads; another sql_mode, collation or time zone, set
    by OPTIONS or init_command, gives other results. What a replica gives its primary would give, so
    it has that one's address, and they share entries where the rest is the same.
    """
    return _digests(alias)[0]


def sight(alias: str) -> str:
    """The same but for the address: what is computed, as a page, stays where it is looked from.

    Of two servers that have a database of this name only one owns it: see owners.py.
    """
    return _digests(alias)[1]


def _digests(alias: str) -> tuple[str, str]:
    given = connections.settings[alias]
    known = _identities.get(alias)
    shares = primary(alias)
    place = connections.settings[shares] if shares else given
    told_by = (*TELLING(given), *WHERE(place))
    # Django puts the name of a test's database into the same dict, so a name is looked at again.
    if known and known[0] is given and known[1] == told_by:
        return known[2]
    told = {part: value for part, value in given.items() if part not in HARMLESS}
    options = {
        name: value for name, value in given["OPTIONS"].items() if name not in HARMLESS_OPTIONS
    }
    told |= {part: place.get(part) for part in ADDRESS}
    told |= {"NAME": database_name(alias), "OPTIONS": sorted(map(repr, options.items()))}
    seen = {part: value for part, value in told.items() if part not in ADDRESS}
    digests = _digest(told), _digest(seen)
    user, options_then, *where = told_by
    _identities[alias] = (given, (user, dict(options_then), *where), digests)
    return digests


def _digest(told: dict[str, Any]) -> str:
    return blake2b(repr(sorted(map(repr, told.items()))).encode(), digest_size=8).hexdigest()


def zone(alias: str) -> str | None:
    """The time zone in which Django reads the datetimes of an alias; None without USE_TZ."""
    return (connections.settings[alias]["TIME_ZONE"] or "UTC") if settings.USE_TZ else None


_identities: dict[str, tuple[Any, tuple[Any, ...], tuple[str, str]]] = {}


def _place(alias: str) -> tuple[str, ...]:
    given = connections.settings[alias]
    return tuple(str(given.get(part, "")) for part in ("ENGINE", "HOST", "PORT", "NAME"))


@lru_cache(maxsize=64)
def _named(engine: str, name: str) -> str:
    """A database's name in keys; "" for one in the memory of a process, which is nobody else's."""
    if engine.endswith("sqlite3") and (":memory:" in name or "mode=memory" in name):
        return ""
    return _plain(name)


def _plain(name: str) -> str:
    """A name that is more than letters, digits, _ . and - (as a file's) by its end and a digest."""
    if PLAIN.fullmatch(name):
        return name
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return "_".join(PLAIN.findall(name.rpartition("/")[2])) + "~" + digest
