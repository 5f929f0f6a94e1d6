from django.apps import AppConfig
from django.db import connections
from django.db.backends.signals import connection_created


class PlanetsConfig(AppConfig):
    name = "planets"

    def ready(self) -> None:
        from . import signals  # noqa: F401  registers the receivers
        from .cache import writes

        connection_created.connect(writes.watch)
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:  # another app's ready() has asked before ours
                writes.watch(connection)
