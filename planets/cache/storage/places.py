"""Which database an alias of DATABASES names, and by what kind of connection."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import blake2b
from typing import Any

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
    return _name(conf().SAME_AS.get(alias, alias))


def _name(alias: str) -> str:
    """The name that an alias itself gives."""
    settings = connections.settings[alias]
    name = str(settings["NAME"])
    if settings["ENGINE"].endswith("sqlite3") and (":memory:" in name or "mode=memory" in name):
        return f"memory-{os.getpid()}"  # nobody else's
    return _plain(name)


def identity(alias: str) -> str:
    """A digest of all that makes the connections of an alias what they are.

    Another user may be forbidden what this one reads; another sql_mode, collation or time zone, set
    by OPTIONS or init_command, gives other results.
    """
    return _digests(alias)[0]


def sight(alias: str) -> str:
    """The same but for the address: what is computed, as a page, stays where it is looked from.

    Of two servers that have a database of this name only one owns it: see owners.py.
    """
    return _digests(alias)[1]


def _digests(alias: str) -> tuple[str, str]:
    settings = connections.settings[alias]
    known = _identities.get(alias)
    told_by = [settings[part] for part in ("NAME", "HOST", "PORT", "USER", "OPTIONS")]
    # Django puts the name of a test's database into the same dict, so a name is looked at again.
    if known and known[0] is settings and known[1] == told_by:
        return known[2]
    told = {part: value for part, value in settings.items() if part not in HARMLESS}
    options = {
        name: value for name, value in settings["OPTIONS"].items() if name not in HARMLESS_OPTIONS
    }
    told |= {"NAME": _name(alias), "OPTIONS": sorted(map(repr, options.items()))}
    seen = {part: value for part, value in told.items() if part not in ADDRESS}
    digests = _digest(told), _digest(seen)
    _identities[alias] = (settings, [*told_by[:-1], dict(settings["OPTIONS"])], digests)
    return digests


def _digest(told: dict[str, Any]) -> str:
    return blake2b(repr(sorted(map(repr, told.items()))).encode(), digest_size=8).hexdigest()


_identities: dict[str, tuple[Any, list[Any], tuple[str, str]]] = {}


def _place(alias: str) -> tuple[str, ...]:
    settings = connections.settings[alias]
    return tuple(str(settings.get(part, "")) for part in ("ENGINE", "HOST", "PORT", "NAME"))


@lru_cache(maxsize=64)
def _plain(name: str) -> str:
    """A name that is more than letters, digits, _ . and - (as a file's) by its end and a digest."""
    if PLAIN.fullmatch(name):
        return name
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return "_".join(PLAIN.findall(name.rpartition("/")[2])) + "~" + digest
