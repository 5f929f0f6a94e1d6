"""What a process that serves pages does otherwise than a command."""

from django.conf import settings
from django.db import connections

ENGINES = ("django.db.backends.mysql", "planetsite.mysql")
CONNECT_TIMEOUT = 5  # seconds at most, also where DB_TIMEOUT is more, or none


def limit_waits() -> None:
    """From here on few threads wait for MySQL at a time, none longer than DB_TIMEOUT for an answer.

    A page then becomes a 503 where the server is there and silent. A migration may take its time,
    so this is no setting of the database, which commands would share.
    """
    for database in connections.settings.values():
        if database["ENGINE"] not in ENGINES:
            continue
        database["ENGINE"] = "planetsite.mysql"
        if settings.DB_TIMEOUT:
            database["OPTIONS"] = database["OPTIONS"] | {
                "connect_timeout": min(settings.DB_TIMEOUT, CONNECT_TIMEOUT),
                "read_timeout": settings.DB_TIMEOUT,
                "write_timeout": settings.DB_TIMEOUT,
            }
    for connection in connections.all(initialized_only=True):
        # Who asked for the vendor while the site was loaded made it, of Django's own class.
        if connection.connection is None:
            del connections[connection.alias]
