from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created


class PlanetsConfig(AppConfig):
    name = "planets"

    def ready(self) -> None:
        from . import checks, signals  # noqa: F401  register themselves
        from .cache import history, writes
        from .lab import trace

        connection_created.connect(writes.watch)
        request_finished.connect(history.teller.sometimes)
        trace.start()
