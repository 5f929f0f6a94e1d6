"""What a process that serves pages does otherwise than a command."""

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from .patience import patience

CONNECT_TIMEOUT = 5  # seconds at most, also where DB_TIMEOUT is more, or none


def need_what_pages_need() -> None:
    """Raises ImproperlyConfigured where each page would be an error, which a command is not."""
    if not (settings.ALLOWED_HOSTS or settings.DEBUG):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS is not set: name the hosts that the site is called by, as "
            "planets.example.org. See .env.example."
        )
    storage = staticfiles_storage
    if isinstance(storage, ManifestFilesMixin) and not storage.hashed_files:
        raise ImproperlyConfigured(
            f"The static files are not collected in {str(settings.STATIC_ROOT)!r}: run "
            "manage.py collectstatic, which make serve does."
        )


def limit_waits() -> None:
    """From here on few threads wait for MySQL at a time, none longer than DB_TIMEOUT for an answer.

    A page then becomes a 503 where the server is there and silent. A migration may take its time,
    so this is no setting of the database, which commands would share.
    """
    patience.limit(max(1, settings.THREADS - 1))  # one is left for what needs no database
    for database in connections.settings.values():
        if settings.DB_TIMEOUT and database["ENGINE"] == "planetsite.mysql":
            database["OPTIONS"] = database["OPTIONS"] | {
                "connect_timeout": min(
                    settings.DB_TIMEOUT,
                    database["OPTIONS"].get("connect_timeout", CONNECT_TIMEOUT),
                    CONNECT_TIMEOUT,
                ),
                "read_timeout": settings.DB_TIMEOUT,
                "write_timeout": settings.DB_TIMEOUT,
            }
