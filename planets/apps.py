from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created


class PlanetsConfig(AppConfig):
    name = "planets"

    def ready(self) -> None:
        from . import checks, metrics, signals  # noqa: F401  register themselves
        from .cache import history, writes

        connection_created.connect(writes.watch)
        request_finished.connect(history.teller.sometimes)
        request_finished.connect(metrics.tell)
