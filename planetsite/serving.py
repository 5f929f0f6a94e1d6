"""What a process that serves pages does otherwise than a command."""

from django.conf import settings
from django.db import connections


def limit_waits() -> None:
    """From here on no connection to MySQL waits longer than DB_TIMEOUT for an answer.

    A page then becomes a 503 where the server is there and silent. A migration may take its time,
    so this is no setting of the database, which commands would share.
    """
    for database in connections.settings.values():
        if settings.DB_TIMEOUT and database["ENGINE"] == "django.db.backends.mysql":
            timeouts = dict.fromkeys(("read_timeout", "write_timeout"), settings.DB_TIMEOUT)
            database["OPTIONS"] = database["OPTIONS"] | timeouts
