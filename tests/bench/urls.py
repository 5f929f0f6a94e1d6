"""The site's two pages behind Django's cache_page, and all other addresses as they are."""

from django.urls import include, path
from django.views.decorators.cache import cache_page

from planets.pages import views

urlpatterns = [
    path("", cache_page(3600)(views.home)),
    path("planets/<int:planet_id>/", cache_page(3600)(views.planet)),
    path("", include("planetsite.urls")),
]
