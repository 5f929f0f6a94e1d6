from django.apps import AppConfig
from django.core.signals import request_finished
from django.db import connections
from django.db.backends.signals import connection_created


class PlanetsConfig(AppConfig):
    name = "planets"

    def ready(self) -> None:
        from . import checks, metrics, signals  # noqa: F401  register themselves
        from .cache import history, writes
        from .lab import trace

        connection_created.connect(writes.watch)
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None:  # another app's ready() has asked before ours
                writes.watch(connection)
        request_finished.connect(history.teller.sometimes)
        request_finished.connect(metrics.tell)
        trace.start()
