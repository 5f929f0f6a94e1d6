"""The site's pages behind Django's cache_page, and all other addresses as they are."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import cache_page

from planets.pages import views

kept = cache_page(3600, cache="pages")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", kept(views.home)),
    path("planets/<int:planet_id>/", kept(views.planet)),
    path("moons/", kept(views.moons)),
    path("compare/", kept(views.compare)),
    path("", include("tests.bench.urls")),
]
