"""A cache-aside layer for Django on MySQL or MariaDB and Redis.

    queryset.cached()        SQL text and parameters -> sql:<digest>    (orm)
    fetch("SELECT ...")      the same for a plain SELECT                (sql)
    Model.records.get(3)     row 3 -> the hash <table>:3                (records)

A read looks in Redis, and only then loads from the database and fills (reading). A write closes the
gates of its tables before its statement and opens them after COMMIT (writing, storage), so an entry
filled under an older generation is unreachable. `invalidate()` does the same by hand.

Nothing here knows of the models that it serves. As a Django app it is complete: one line in
INSTALLED_APPS does all the wiring (apps).
"""

from . import installed  # noqa: F401  its check registers itself
from .events import fetched, invalidated
from .invalidation import invalidate
from .orm.named import named
from .orm.queryset import CacheAsideManager, CacheAsideQuerySet
from .pages import cached_page
from .reading.dependencies import carry
from .reading.permission import disabled
from .records import Records
from .sql import fetch
from .values import remember

__all__ = [
    "CacheAsideManager",
    "CacheAsideQuerySet",
    "Records",
    "cached_page",
    "carry",
    "disabled",
    "fetch",
    "fetched",
    "invalidate",
    "invalidated",
    "named",
    "remember",
]
