from django.urls import path, register_converter
from django.urls.converters import IntConverter

from .pages import views
from .pages.comparison import LARGEST_ID


class PlanetIdConverter(IntConverter):
    """An INT UNSIGNED; a larger number is no address of the site."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value)
        if number > LARGEST_ID:
            raise ValueError(f"A planet's id is at most {LARGEST_ID}, not {number!r}.")
        return number


register_converter(PlanetIdConverter, "planet_id")

app_name = "planets"
urlpatterns = [
    path("", views.home, name="home"),
    path("planets/<planet_id:planet_id>/", views.planet, name="planet"),
    path("compare/", views.compare, name="compare"),
    path("moons/", views.moons, name="moons"),
]
