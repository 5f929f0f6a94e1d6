from django.apps import AppConfig


class PlanetsConfig(AppConfig):
    name = "planets"
