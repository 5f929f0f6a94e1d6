from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created


class BenchConfig(AppConfig):
    name = "tests.bench"
    label = "bench"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from planets.cache.writing import hooks

        if settings.CONTENDER not in ("ours", "near"):
            # A contender without our layer pays nothing for it.
            connection_created.disconnect(hooks.watch)
