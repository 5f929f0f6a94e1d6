from django.apps import AppConfig


class PlanetsConfig(AppConfig):
    name = "planets"

    def ready(self) -> None:
        from . import signals  # noqa: F401  they register themselves
