from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from planets.cache.instruments import metrics

from . import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("metrics", metrics.metrics),
    path("stars/", views.home),
    path("stars/<int:star_id>/", views.one),
    path("nothing/", views.nothing),
]

handler404 = views.not_found
