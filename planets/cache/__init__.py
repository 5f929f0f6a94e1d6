"""A cache-aside layer for Django on MySQL or MariaDB and Redis.

    queryset.cached()        SQL text and parameters -> sql:<digest>    (queryset, sql)
    fetch("SELECT ...")      the same for a plain SELECT                (sql)
    Records(Model).get(3)    row 3 -> the hash <table>:3                (hashes)

A read looks in Redis, and only then loads from the database and fills (aside). A write closes the
gates of its tables before its statement and opens them after COMMIT (writes, gates), so an entry
filled under an older generation is unreachable. `invalidate()` does the same by hand.

Nothing here knows of the models it serves: to use it elsewhere, move the folder.
"""

from .aside import disabled
from .hashes import Records
from .invalidation import invalidate
from .queryset import CacheAsideManager, CacheAsideQuerySet
from .signals import fetched, invalidated
from .sql import fetch

__all__ = [
    "CacheAsideManager",
    "CacheAsideQuerySet",
    "Records",
    "disabled",
    "fetch",
    "fetched",
    "invalidate",
    "invalidated",
]
